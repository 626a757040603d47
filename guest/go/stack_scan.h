// SPDX-License-Identifier: Apache-2.0
// Where in the program's own code a goroutine waits or calls, read from its stack.
//
//   sp ─▶ frame of runtime.gopark │ address to return to │ frame of runtime.chanrecv │ address ...
//         ... the first address that lies in a function of the program
//
// How large a frame is says pclntab, as in guest/go/callers.h. Where that is not known, the words
// behind are looked at one by one: one that is a PC of some function counts as an address to return
// to. PCs are numbers above 2^28, which pointers, lengths and counters of Go on wasm seldom reach;
// but a frame may hold an old one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "guest/go/go_runtime.h"

namespace weft::guest::go {

// Of a function that has been left, or that begins.
struct Frame {
  std::uint64_t pc = 0;  // Where it goes on.
  std::uint64_t sp = 0;  // Where its frame begins; the address to return to, when it has none yet.
};

// From this frame outwards: where a function goes on that is not of the runtime, and not of the
// packages by which others wait (sync, time, reflect ...). 0 when there is none near.
std::uint64_t own_pc(const GoRuntime& runtime, std::span<const std::byte> memory,
                     const Frame& innermost);

}  // namespace weft::guest::go
