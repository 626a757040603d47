// SPDX-License-Identifier: Apache-2.0
// Runs a part of a G on memory of the caller's in place of the G's stack.
//
//   the G's stack    call_on_stack() ──▶ f() on [bottom, top) ──▶ call_on_stack() returns
//
// f may park and yield as anywhere: where a G stopped is all that the scheduler knows of its stack.
#pragma once

#include <cstddef>

namespace weft::capi {

#if defined(__wasm__)
inline constexpr bool kHasOwnStacks = false;
#else
inline constexpr bool kHasOwnStacks = true;
#endif

// On a G. f must not throw. The memory is in use until it returns; no guard page is below it.
void call_on_stack(void* bottom, std::size_t bytes, void (*f)(void* argument), void* argument);

}  // namespace weft::capi
