// SPDX-License-Identifier: Apache-2.0
// Program: a validated module and the machine code of those of its functions that have been called.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "guest/aot/linear_memory.h"
#include "guest/aot/memory_image.h"
#include "guest/aot/trap_state.h"
#include "guest/code_view.h"
#include "guest/engine.h"
#include "guest/jit/compiler.h"
#include "guest/jit/symbols.h"
#include "guest/wasm/module_view.h"

namespace weft::jit {

// What all modules of an engine share.
struct Shared {
  std::shared_ptr<CodeSpace> space;
  std::unique_ptr<ModuleCode> code;  // Of the stubs.
  std::unique_ptr<Stubs> stubs;
  MemoryPool memories;
  Assembler assembler;
  bool guard_pages = false;
  bool has_bmi = false;
  std::unique_ptr<PerfMap> perf_map;  // --perf-map
  bool tells_gdb = false;
  std::vector<std::unique_ptr<GdbSymbol>> gdb_symbols;  // Of the stubs.

  // For tools outside: the code between C++ and guests.
  void name_stubs();
};

class Program {
 public:
  // `about` must outlive it.
  Program(std::vector<std::byte> binary, wasm::ModuleView parsed, const ModuleInfo& about,
          const GuestLimits& of_guests, std::shared_ptr<Shared> of_engine);

  // Makes the functions' entries. `yield_import` is sched_yield, if there is such an import. Of
  // `told` the code tells the host. The imports and `told` must outlive this. The error says why
  // there is no room for them.
  Status prepare(std::span<const Import> of_module, std::size_t yield_import,
                 std::span<const guest::go::EntryPoint> told);

  // The code of a function, compiled now. Null when there is no room for it. In a step others may
  // run, and compile; it may throw. With a step: on a G, which waits while another G compiles this
  // function; may throw Killed.
  const void* compile(std::uint32_t function, const CompileStep& step = {});

  // Puts the functions and the offset of a guest that was left by a trap into its report.
  void describe(const TrapState& state, TrapReport& report);

  // Fills in the addresses of the calls under way, from a place in the code and its frame.
  void walk(TrapState& state, const void* address, const void* frame) const;

  // As the code sees it.
  [[nodiscard]] const FunctionEntry* entry(std::uint32_t function) const {
    return entries_ + function;
  }

  const wasm::ModuleView view;
  const Layout layout;
  const GuestLimits limits;
  const std::shared_ptr<Shared> shared;
  std::span<const Import> imports;
  MemoryImage image;
  std::uint32_t saves_floats = 0;  // The code looks here.

  // The code of a function.
  struct Code {
    const std::uint8_t* begin;
    std::uint32_t bytes;
    std::uint32_t function;
    CodeFacts facts;
  };
  // Around an address; nullptr: none of a function.
  [[nodiscard]] const Code* code_at(const void* address) const;

  // What an exception with this tag carries.
  [[nodiscard]] std::size_t exception_words(std::uint32_t tag) const;

 private:
  const void* compile_in_steps(std::uint32_t function, const CompileStep& step);
  bool place_code(std::uint32_t function, const Assembler& made, CodeFacts facts);
  void name_code(const Code& code);
  void show_code();
  [[nodiscard]] bool is_compiled(std::uint32_t function) const;

  const std::vector<std::byte> binary_;
  const ModuleInfo& info_;
  ModuleCode code_;
  FunctionEntry* writable_entries_ = nullptr;
  const FunctionEntry* entries_ = nullptr;
  std::optional<CompileOptions> options_;
  std::map<const std::uint8_t*, Code> codes_;  // By where they begin.
  std::set<std::uint32_t> in_work_;            // Functions that are compiled in steps now.
  std::vector<std::unique_ptr<GdbSymbol>> gdb_symbols_;
  std::optional<CodeShown> shown_;
};

}  // namespace weft::jit
