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
// when it does. f must not throw, nor use the scheduler. Falls back to the caller's stack when the
// system gives no address space.
void on_big_stack(std::size_t bytes, const std::function<void()>& f);

}  // namespace weft
