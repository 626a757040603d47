// SPDX-License-Identifier: Apache-2.0
// The guest's environment: what the embedder gave it, never the host's own.
#include "os/wasip1/calls.h"
#include "os/wasip1/strings.h"

namespace weft::wasip1 {

// Writes the addresses of the variables (u32 each, at environ) and the variables as "K=V" with a
// terminating zero (at environ_buf). EFAULT: one of the two does not fit into memory; nothing is
// written then. Never parks. Specification: environ_get.
Errno environ_get(Process& process, Memory memory, Size environ, Size environ_buf) {
  return store_strings(memory, process.env(), environ, environ_buf);
}

// Writes how many variables there are (u32 at count) and how many bytes they need, terminators
// included (u32 at buf_size). EFAULT: one of the addresses lies outside. Never parks.
// Specification: environ_sizes_get.
Errno environ_sizes_get(Process& process, Memory memory, Size count, Size buf_size) {
  return store_strings_sizes(memory, process.env(), count, buf_size);
}

}  // namespace weft::wasip1
