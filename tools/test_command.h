// SPDX-License-Identifier: Apache-2.0
// `weft test`: many schedules of one program, in parallel processes, until one fails.
//
//   parse_test ─▶ test_command ─▶ workers (tools/test_workers.h), a stripe of the seeds each
//                                    └─ the lowest failing seed ─▶ minimise ─▶ replay file, reports
#pragma once

#include <variant>

#include "sim/explore/explore.h"
#include "tools/run_options.h"

namespace weft::tools {

struct TestOptions {
  RunOptions run;  // The guests and the simulation.
  sim::ExploreOptions explore;
  unsigned jobs = 1;
  std::string input_file;     // Of stdin; empty: nothing.
  std::string expected_file;  // Of stdout; empty: anything.
  std::string replay_file;    // Where a failing schedule goes; empty: MODULE.replay.
  std::string json_file;
  std::string junit_file;
  std::vector<std::string> empty_dirs;  // Guest paths of folders that are empty in each run.
};

// `args` is what follows "test".
std::variant<TestOptions, ExitNow> parse_test(const std::vector<std::string>& args);

int test_command(const TestOptions& options);

}  // namespace weft::tools
