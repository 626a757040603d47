// SPDX-License-Identifier: Apache-2.0
// The options of simulated runs, which `weft run`, `weft test` and `weft replay` share.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "sim/guest_run.h"

namespace CLI {
class App;
}

namespace weft::tools {

// As CLI11 fills them in: words.
struct RawSimOptions {
  bool virtual_time = false;
  bool trace_hash = false;
  std::string seed;
  std::string policy;
  std::string cost;
  std::string jitter;
  std::string start;
  std::string time_max;
  std::string steps_max;
  std::string faults;
  std::string world;
  std::string schedtrace;
  bool scheddetail = false;
};

struct SimOptions {
  bool virtual_time = false;
  bool trace_hash = false;
  std::optional<std::uint64_t> seed;  // Given on the command line.
  std::optional<sim::PolicySpec> policy;
  sim::RunSettings settings;  // All of the above, with defaults.
};

// The options of every simulated run.
void add_sim_options(CLI::App& app, RawSimOptions& raw);

// The error completes "weft: <command>: ".
Result<SimOptions> read_sim_options(const RawSimOptions& raw);

}  // namespace weft::tools
