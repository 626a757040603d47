// SPDX-License-Identifier: Apache-2.0
// The command line of `weft test`, read.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sim/explore/explore.h"
#include "tools/help.h"
#include "tools/messages.h"
#include "tools/nats_options.h"
#include "tools/run_options.h"
#include "tools/verdict.h"

namespace weft::tools {

// The most parts that --nats makes of a search.
inline constexpr std::uint64_t kPartsMax = 100'000;

struct TestOptions {
  RunOptions run;  // The guests and the simulation.
  sim::ExploreOptions explore;
  bool cost_given = false;   // --cost
  SeedRange whole;           // All seeds of the search.
  std::optional<Part> part;  // --shard: only these of them.
  bool keep_going = false;   // --keep-going
  NatsOptions nats;          // --nats: workers run the seeds; no URL: this process does.
  std::uint64_t parts = 0;   // --parts: of those of --nats; 0: by how long a seed takes.
  unsigned jobs = 1;
  Duration search_limit;      // In real time; 0: none.
  std::string input_file;     // Of stdin; empty: nothing.
  std::string expected_file;  // Of stdout; empty: anything.
  std::string replay_file;    // Where a failing schedule goes.
  bool replay_given = false;  // --replay; else the file is MODULE.replay.
  std::string json_file;
  std::string junit_file;
  std::vector<std::string> empty_dirs;  // Guest paths of folders that are empty in each run.

  // Is a row kept for each seed?
  [[nodiscard]] bool keeps_runs() const {
    return !explore.dfs && (part || keep_going || !json_file.empty());
  }
};

// `args` is what follows "test".
std::variant<TestOptions, ExitNow> parse_test(const std::vector<std::string>& args);

CommandHelp test_help();

}  // namespace weft::tools
