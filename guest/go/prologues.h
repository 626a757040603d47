// SPDX-License-Identifier: Apache-2.0
// The prologues of Go's functions: at its start each function that is not nosplit compares the
// stack pointer with g.stackguard0, and calls runtime.morestack when there is no room.
//
//   small frames   SP <= g.stackguard0
//   large ones     SP <= g.stackguard0 + (frame - 128), in 32 bits
//
// A scheduler writes stackPreempt there, so that the comparison is true and runtime.newstack gives
// way. In the second form the sum wraps around: see GoRuntime::wraps.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "guest/wasm/module_view.h"

namespace weft::guest::go {

struct Prologues {
  std::uint32_t stackguard0 = 0;  // The offset in g; 0: there is no prologue.
  std::vector<bool> small;        // By defined function.
  std::vector<bool> large;
};

// `morestack` are the functions that a prologue may call.
Prologues find_prologues(const wasm::ModuleView& module, std::span<const std::uint32_t> morestack);

}  // namespace weft::guest::go
