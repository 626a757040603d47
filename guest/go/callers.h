// SPDX-License-Identifier: Apache-2.0
// Callers: who called the function that a goroutine computes in, read from its stack as Go's own
// dumps are.
//
//   sp ─▶ the function's frame │ address to return to │ its caller's frame │ address ... │ goexit
//
// How large a frame is says pclntab. Whether it has been taken yet is not known: a safe point may
// lie before a function's prologue, and the C compiler of the engine aot may leave a frame out that
// nobody looks at. What leads to runtime.goexit at the end of the stack is taken for right.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "guest/computing.h"
#include "guest/go/go_runtime.h"

namespace weft::guest::go {

inline constexpr std::size_t kCallersListed = 8;

struct Callers {
  std::vector<std::uint64_t> pcs;  // Where they go on, the innermost first.
  bool has_more = false;
};

// Is the guest on that goroutine's stack? Else on that of Go's scheduler, where the runtime does
// some of its work for a goroutine, and what was saved of the goroutine is what it did before.
bool is_on_stack_of(const GoRuntime& runtime, std::span<const std::byte> memory, std::uint64_t g,
                    const Computing& computing);

// None when the guest is not on that goroutine's stack, or when the stack can't be followed.
Callers callers_of(const GoRuntime& runtime, std::span<const std::byte> memory, std::uint64_t g,
                   const Computing& computing);

}  // namespace weft::guest::go
