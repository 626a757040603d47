// SPDX-License-Identifier: Apache-2.0
// Stubs: the pieces of machine code between C++ and the code of guests. Made once an engine.
//
//   C++ ─ enter() ─▶ a function ─▶ functions ...
//                                    ├─ a function that is not compiled yet ─▶ Host::compile
//                                    ├─ an import, sched_yield ─▶ Host::call, Host::yield
//                                    ├─ fuel is used up ─▶ Host::refill
//                                    ├─ a function of Go's runtime begins ─▶ Host::entered
//                                    ├─ an instruction that C++ does ─▶ a helper
//                                    └─ a trap ─▶ Host::trap, which does not return
//
// Each stub notes in the Context where it left the guest's code, and saves the homes that C++ code
// may overwrite.
#pragma once

#include <array>
#include <cstdint>

#include "guest/jit/code_space.h"
#include "guest/jit/context.h"

namespace weft::jit {

// What is done by C++: guest/jit/helpers.cpp. Arguments are words of the Context's arguments.
enum class Helper : std::uint8_t {
  memory_grow,
  memory_init,
  data_drop,
  memory_copy,
  memory_fill,
  table_init,
  elem_drop,
  table_copy,
  table_grow,
  table_fill,
  throw_tag,
  throw_reference,
};
inline constexpr std::size_t kHelpers = 12;

using HelperFunction = std::uint64_t (*)(Context* context, std::uint64_t* arguments);

// What the stubs call.
struct Host {
  void (*trap)(void* owner, std::uint32_t code);  // Does not return.
  std::uint32_t (*call)(void* owner, std::uint32_t import, const std::uint64_t* arguments);
  // The embedder's function: its arguments are where the code has those of any function.
  std::uint64_t (*call_embedder)(void* owner, std::uint32_t import, const std::uint64_t* arguments);
  std::uint32_t (*yield)(void* owner);
  std::uint32_t (*refill)(void* owner, std::uint32_t left);  // From where the stub has noted.
  void (*entered)(void* owner, std::uint32_t entry);         // A function of Go's runtime.
  const void* (*compile)(void* owner, std::uint32_t function);
  std::array<HelperFunction, kHelpers> helpers;
};

class Stubs {
 public:
  // Code that is placed in `code`, which must outlive this.
  Stubs(ModuleCode& code, const Host& host, bool guard_pages);

  using Enter = void (*)(Context* context, const void* function);
  [[nodiscard]] Enter enter() const { return reinterpret_cast<Enter>(const_cast<void*>(enter_)); }
  [[nodiscard]] std::uint32_t enter_bytes() const { return enter_bytes_; }
  // All except enter().
  [[nodiscard]] const void* begin() const { return traps_.front(); }
  [[nodiscard]] std::uint32_t bytes() const { return bytes_; }
  [[nodiscard]] const void* trap(TrapCode code) const {
    return traps_[static_cast<std::size_t>(code)];
  }
  [[nodiscard]] const void* helper(Helper which) const {
    return helpers_[static_cast<std::size_t>(which)];
  }
  [[nodiscard]] const void* refill() const { return refill_; }
  [[nodiscard]] const void* host_call() const { return host_call_; }          // eax: which import.
  [[nodiscard]] const void* embedder_call() const { return embedder_call_; }  // As host_call().
  [[nodiscard]] const void* yield() const { return yield_; }
  [[nodiscard]] const void* lazy() const { return lazy_; }        // eax: which function.
  [[nodiscard]] const void* entered() const { return entered_; }  // eax: which entry.

 private:
  std::uint32_t enter_bytes_ = 0;
  std::uint32_t bytes_ = 0;
  const void* enter_ = nullptr;
  std::array<const void*, kTrapCodes> traps_{};
  std::array<const void*, kHelpers> helpers_{};
  const void* refill_ = nullptr;
  const void* host_call_ = nullptr;
  const void* embedder_call_ = nullptr;
  const void* yield_ = nullptr;
  const void* lazy_ = nullptr;
  const void* entered_ = nullptr;
};

}  // namespace weft::jit
