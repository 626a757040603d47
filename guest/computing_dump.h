// SPDX-License-Identifier: Apache-2.0
// The guests that compute, and in which function: what SIGQUIT and --scheddetail print behind the
// goroutines. A Go guest whose goroutines are listed is not here: there it says more.
//
//   guests that compute:
//     guest 1 (compute.wasm): in main at offset 0x1a2 (compute.c:9)
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "guest/goroutine_dump.h"

namespace weft {

inline constexpr std::size_t kComputingListed = 1'000;

// As above; "" when there are none. The first `max`, and how many more there are. The names of a
// module are read when they are first needed. From where goroutines_of() may be called.
std::string dump_computing(const Runtime& runtime, const GoMemorySource& of = go_memory_of,
                           std::size_t max = kComputingListed);

// "guest 1 (shop.wasm) computes in main.spins" of each, of Go guests too; the first `max`. For who
// tells why a run did not end.
std::vector<std::string> computing_in_short(const Runtime& runtime, const GoMemorySource& of,
                                            std::size_t max);

}  // namespace weft
