// SPDX-License-Identifier: Apache-2.0
// The guests that compute, and in which function: what SIGQUIT and --scheddetail print behind the
// goroutines. A Go guest whose goroutines weft knows is not here: there it says more.
//
//   guests that compute:
//     guest 1 (compute.wasm): in main at offset 0x1a2 (compute.c:9)
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "guest/goroutine_dump.h"

namespace weft {

// How much one answer may take: no guest runs meanwhile. A module's table of lines of source is
// read when it is first needed. A dump reads one at least; what it leaves out, the next ones read.
struct ComputingBudget {
  std::size_t guests = 1'000;                     // That are listed.
  std::size_t line_bytes = std::size_t{2} << 20;  // Of such tables.
};

// As above; "" when there are none. It says how many more there are, and of how many the lines of
// source are left out. From where goroutines_of() may be called.
std::string dump_computing(const Runtime& runtime, const GoMemorySource& of = go_memory_of,
                           ComputingBudget budget = {});

// "guest 1 (shop.wasm) computes in main.spins" of each, of Go guests too; the first `max`. For who
// tells why a run did not end.
std::vector<std::string> computing_in_short(const Runtime& runtime, const GoMemorySource& of,
                                            std::size_t max);

}  // namespace weft
