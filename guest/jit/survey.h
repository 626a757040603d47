// SPDX-License-Identifier: Apache-2.0
// Survey: one look over a function before it is compiled. It tells what must be known at the
// function's first byte: where fuel points are and what they cost, which locals are used most, and
// whether the function calls anything.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "guest/wasm/module_view.h"

namespace weft::jit {

// Called now and then while a large function is compiled, so that others can run.
using CompileStep = std::function<void()>;

// How many instructions are between two of these steps.
inline constexpr std::uint32_t kInstructionsOfStep = 2'048;

struct Survey {
  std::vector<wasm::ValType> locals;      // Parameters first.
  std::vector<std::uint32_t> weights;     // Of each: how much it is used; more in loops.
  std::vector<std::uint32_t> loop_costs;  // Of each loop, in the order of their beginnings.
  std::uint32_t entry_cost = 0;           // Of the fuel point at its entry; 0: there is none.
  std::uint32_t first_instruction = 0;    // Offset in the file.
  bool calls = false;                     // Functions, imports or helpers.
  bool catches = false;                   // Exceptions.
};

// Of a function that the module defines. Throws bad_alloc, and what the step throws.
Survey survey(const wasm::ModuleView& module, std::uint32_t function, const CompileStep& step = {});

}  // namespace weft::jit
