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
  int schedtrace_ms = 0;
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

// A number without sign, in decimal. `option` is for the message.
Result<std::uint64_t> read_number(const std::string& option, const std::string& word,
                                  std::uint64_t max = UINT64_MAX, std::uint64_t min = 0);

// "250", "250ns", "3us", "10ms", "2s", "5m": the first is nanoseconds. At most 100 years.
Result<Duration> read_duration(const std::string& option, const std::string& word);

}  // namespace weft::tools
