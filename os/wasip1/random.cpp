// SPDX-License-Identifier: Apache-2.0
// Randomness: from the system, or from the seeded source of the embedder.
#include <algorithm>

#include "os/wasip1/calls.h"
#include "scheduler/api.h"

namespace weft::wasip1 {
namespace {

// A guest may ask for gigabytes at once: the others get their turn in between.
constexpr std::size_t kBytesPerTurn = 256 * 1024;

}  // namespace

// Fills buf_len bytes at buf with random ones.
// EFAULT: the buffer does not lie inside memory. Never parks; yields every 256 KiB.
// Specification: random_get.
Errno random_get(Process& process, Memory memory, Size buf, Size buf_len) {
  std::span<std::byte> buffer;
  WEFT_WASI_TRY(memory.bytes(buf, buf_len, buffer));
  while (!buffer.empty()) {
    const std::size_t n = std::min(buffer.size(), kBytesPerTurn);
    WEFT_WASI_TRY(process.random(buffer.first(n)));
    buffer = buffer.subspan(n);
    if (!buffer.empty()) yield();
  }
  return Errno::success;
}

}  // namespace weft::wasip1
