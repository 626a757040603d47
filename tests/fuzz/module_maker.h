// SPDX-License-Identifier: Apache-2.0
// Makes valid modules out of a fuzzer's bytes, with features that compilers rarely use:
//
//   references of both types in every place: locals, parameters, results, globals, tables, elements
//   segments active, passive and declared, by index and by expression; with a data count or without
//   table.* and memory.* of all kinds, data.drop, elem.drop
//   values that lie on the stack below calls that yield, so that other instances run and end then
//
// A module ends by itself in most cases: loops count down. Its imports are sched_yield,
// args_sizes_get and fd_write of WASI. As a last step some bytes of it may be changed.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/fuzz/fuzz_world.h"

namespace weft::fuzz {

struct MadeModule {
  std::vector<std::uint8_t> bytes;
  bool is_damaged = false;  // Some were changed: it may be anything.
};

MadeModule make_module(Bytes& in);

}  // namespace weft::fuzz
