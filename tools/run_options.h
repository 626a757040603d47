// SPDX-License-Identifier: Apache-2.0
// RunOptions: what a run is, read from a command line or a manifest. Data alone:
// tools/guest_options.h reads it.
#pragma once

#include <string>
#include <vector>

#include "guest/engines.h"
#include "guest/runtime.h"
#include "sim/world_spec.h"
#include "tools/guest_spec.h"
#include "tools/sim_options.h"

namespace weft::tools {

// --control without a path: in the usual folder.
inline constexpr const char* kDefaultControl = "default";

struct RunOptions {
  std::vector<GuestSpec> guests;
  bool stats = false;
  bool trace_wasi = false;
  std::string engine;  // Of a row of guest/engines.cpp.
  EngineOptions engine_options;
  UseLimits all;  // What all guests may use together.
  SimOptions sim;
  sim::WorldSpec world;    // Of --world, which then has given the guests.
  std::string world_file;  // Its path; empty: none.
  std::string world_text;

  // What the run is called: the world, or the first module.
  [[nodiscard]] const std::string& program() const {
    return world_file.empty() ? guests.front().module_path : world_file;
  }
  std::string control;                     // Of --control: empty: none; kDefaultControl, or a path.
  std::string record_file;                 // Empty: none.
  std::string trace_file;                  // Empty: none.
  Duration grace = {};                     // Between SIGINT or SIGTERM and the end of the guests.
  bool tier_up = false;                    // Modules of guests that compute are compiled for aot.
  bool leaks = false;                      // Look for leaked goroutines, in virtual time.
  bool label = false;                      // Lines of the guests' output begin with their names.
  std::vector<std::string> known_options;  // Of the command, for hints.
};

}  // namespace weft::tools
