// SPDX-License-Identifier: Apache-2.0
// What a debugger's script reads of guests' code, without debug information, in a live process and
// in a core file: tools/gdb/weft-gdb.py. One symbol, weft_debug_code, leads to a list of the
// modules whose code is in the process: what that code is called is read from the module itself.
//
// Fields are only added at the end; kDebugCodeVersion grows when one changes its meaning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace weft {

inline constexpr std::uint64_t kDebugCodeVersion = 1;

// The code of a module, in words that a script reads one after the other.
struct CodeView {
  enum Engine : std::uint64_t { jit = 1, aot = 2 };

  CodeView* next = nullptr;
  CodeView* previous = nullptr;
  std::uint64_t engine = 0;
  const std::byte* module = nullptr;  // The module's own bytes.
  std::uint64_t module_bytes = 0;

  // aot: the shared object's file, and where it is loaded.
  const char* file = nullptr;
  const void* base = nullptr;

  // jit: all code of the engine, and for each of the module's functions 16 bytes, of which the
  // first word is where its code begins.
  const void* code = nullptr;
  std::uint64_t code_bytes = 0;
  const void* functions = nullptr;
  std::uint64_t function_count = 0;
  // The stub by which C++ enters guests' code; those by which it is left; and where those note,
  // from r15 on, where the guest's code goes on.
  const void* enter = nullptr;
  std::uint64_t enter_bytes = 0;
  const void* stubs = nullptr;
  std::uint64_t stubs_bytes = 0;
  std::uint64_t exit_address = 0;
};

// Shows one to debuggers while it lives. What the view leads to must outlive it. From: any thread.
class CodeShown {
 public:
  CodeShown(CodeView::Engine engine, std::span<const std::byte> module, const CodeView& view);
  ~CodeShown();
  CodeShown(const CodeShown&) = delete;
  CodeShown& operator=(const CodeShown&) = delete;

 private:
  CodeView view_;
};

}  // namespace weft
