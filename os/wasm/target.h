// SPDX-License-Identifier: Apache-2.0
// What a wasm target itself offers below the port: time, random bytes, waiting. Two homes:
//
//   os/wasm/target_wasi.cpp         WASI preview 1: poll_oneoff waits, for descriptors too
//   os/wasm/target_emscripten.cpp   node or a browser: a descriptor never makes one wait, and a tab
//                                   can't sleep: where it must, it computes until the time is over
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace weft::target {

// A descriptor that somebody waits for.
struct Ask {
  std::int32_t fd = -1;
  bool write = false;  // Else for reading.
  // Set by wait().
  bool ready = false;
  bool hangup = false;
  bool bad = false;  // It is not open.
};

// Waits until one is ready or for so many nanoseconds (< 0: for ever), and marks those that are.
void wait(std::span<Ask> asks, std::int64_t timeout_ns);

// Fills the buffer. False: the target has no random bytes.
bool random(std::span<std::byte> buffer);

// Of clock_gettime's clocks.
std::int64_t monotonic_ns();
std::int64_t realtime_ns();

// Writes to a descriptor as write(2). Returns what WASI calls the error, 0 for success.
std::uint16_t write(std::int32_t fd, std::span<const std::byte> bytes, std::size_t& written);

}  // namespace weft::target
