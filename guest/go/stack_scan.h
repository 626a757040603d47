// SPDX-License-Identifier: Apache-2.0
// Where in the program's own code a goroutine waits or calls, read from its stack.
//
//   sp ─▶ words of the runtime's frames: arguments, variables, addresses to return to
//         ... the first address that lies in a function of the program
//
// A word counts as an address to return to when it is a PC of some function: PCs are numbers above
// 2^28, which pointers, lengths and counters of Go on wasm seldom reach. So the answer is right
// nearly always, and is for people alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "guest/go/go_runtime.h"

namespace weft::guest::go {

// From the stack pointer outwards: the first return into a function that is not of the runtime, and
// not of the packages by which others wait (sync, time, reflect ...). 0 when there is none near.
std::uint64_t own_pc(const GoRuntime& runtime, std::span<const std::byte> memory, std::uint64_t sp);

}  // namespace weft::guest::go
