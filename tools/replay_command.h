// SPDX-License-Identifier: Apache-2.0
// `weft replay FILE`: runs again what a replay file holds.
#pragma once

#include <string>
#include <vector>

#include "sim/record/replay_file.h"
#include "tools/run_options.h"

namespace weft::tools {

// The options of `weft replay`.
struct ReplayOptions {
  std::string modules;  // A folder in place of those of the recording; empty: those.
  std::string engine;   // Empty: the recorded one.
};

// The module of each guest, found and loaded. Says on stderr which have changed.
Result<std::vector<std::shared_ptr<Module>>> load_recorded(
    Runtime& loader, const std::vector<sim::ReplayGuest>& guests, std::uint32_t quantum,
    const std::string& folder);

// `args` is what follows "replay". Returns the exit code: that of the run as `weft run` has it.
int replay_command(const std::vector<std::string>& args);

// What a replay file says of these guests. Fails when a module can't be read again.
Result<std::vector<sim::ReplayGuest>> describe_guests(const RunOptions& run,
                                                      const std::vector<std::string>& empty_dirs);

// A run's settings, schedule and end, for a replay file without guests.
sim::ReplayFile describe_run(const sim::GuestRunSettings& settings, const sim::RunRecord& record);

}  // namespace weft::tools
