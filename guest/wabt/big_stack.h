// SPDX-License-Identifier: Apache-2.0
// Runs a function on a stack of its own, for code that is recursive in what it is given: libwabt's
// IR is, in the nesting of blocks.
#pragma once

#include <cstddef>
#include <functional>

namespace weft {

// What libwabt may need for the deepest nesting that a binary can have.
inline constexpr std::size_t kTranslatorStackBytes = std::size_t{1} << 30;

// Calls f() on a stack of so many bytes, which take memory only when they are touched, and returns
// when it does. f must not throw, nor use the scheduler. When the system gives no such address
// space the stack is smaller, or the caller's own: what might not fit runs in a child
// (guest/child_work.h), which a stack that is used up ends by SIGSEGV.
void on_big_stack(std::size_t bytes, const std::function<void()>& f);

}  // namespace weft
