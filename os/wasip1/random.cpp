// SPDX-License-Identifier: Apache-2.0
// Randomness: from the system, or from the seeded source of the embedder.
#include "os/wasip1/calls.h"

namespace weft::wasip1 {

// Fills buf_len bytes at buf with random ones.
// EFAULT: the buffer does not lie inside memory. Never parks; yields every 64 KiB.
// Specification: random_get.
Errno random_get(Process& process, Memory memory, Size buf, Size buf_len) {
  std::span<std::byte> buffer;
  WEFT_WASI_TRY(memory.bytes(buf, buf_len, buffer));
  return process.random(buffer);
}

}  // namespace weft::wasip1
