// SPDX-License-Identifier: Apache-2.0
// The guest's command line.
#include "os/wasip1/calls.h"
#include "os/wasip1/strings.h"

namespace weft::wasip1 {

// Writes the addresses of the arguments (argc u32 at argv) and the arguments, each with a
// terminating zero (at argv_buf).
//
//   argv      | u32 | u32 | ...      argv_buf  | p r o g \0 | - v \0 | ...
//
// EFAULT: one of the two does not fit into memory; nothing is written then. Never parks.
// Specification: args_get.
Errno args_get(Process& process, Memory memory, Size argv, Size argv_buf) {
  return store_strings(memory, process.args(), argv, argv_buf);
}

// Writes how many arguments there are (u32 at argc) and how many bytes they need, terminators
// included (u32 at argv_buf_size). EFAULT: one of the addresses lies outside. Never parks.
// Specification: args_sizes_get.
Errno args_sizes_get(Process& process, Memory memory, Size argc, Size argv_buf_size) {
  return store_strings_sizes(memory, process.args(), argc, argv_buf_size);
}

}  // namespace weft::wasip1
