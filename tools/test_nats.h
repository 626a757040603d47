// SPDX-License-Identifier: Apache-2.0
// `weft test --nats`: the master of a search whose parts are run by `weft worker`, on any machine.
//
//   words ─▶ pack_search ─▶ nats_master: streams, files ─▶ run_master ─▶ books ─▶ Verdict
//                                          ▲                   │
//                                    weft worker ... ──────────┘
#pragma once

#include <string>
#include <vector>

#include "tools/test_options.h"

namespace weft::tools {

// `words`: those behind "weft test", of which the options were read. Returns the exit code.
int test_on_nats(const std::vector<std::string>& words, const TestOptions& options);

// How many parts a search has when nobody says so. seconds: of one seed.
std::uint64_t parts_of_search(std::uint64_t seeds, double seconds_a_seed);

}  // namespace weft::tools
