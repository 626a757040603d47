// SPDX-License-Identifier: Apache-2.0
// Runs a function on a stack of its own, for code that is recursive in what it is given: libwabt's
// IR is, in the nesting of blocks.
#pragma once

#include <cstddef>
#include <functional>

namespace weft {

// What libwabt may need for the deepest nesting that a binary can have.
inline constexpr std::size_t kTranslatorStackBytes = std::size_t{1} << 30;

// Calls f() on a stack of so many bytes and returns when f returns. The stack takes memory only
// where it is touched. f must not throw and must not use the scheduler. When the system gives no
// such address space the stack is smaller, or the caller's own. Work that might not fit runs in a
// child (guest/child_work.h), which SIGSEGV ends when its stack is used up.
void on_big_stack(std::size_t bytes, const std::function<void()>& f);

}  // namespace weft
