// SPDX-License-Identifier: Apache-2.0
// `weft replay FILE`: runs again what a replay file holds.
#pragma once

#include <string>
#include <vector>

#include "tools/help.h"

namespace weft::tools {

CommandHelp replay_help();

// `args` is what follows "replay". Returns the exit code: that of the run as `weft run` has it.
int replay_command(const std::vector<std::string>& args);

}  // namespace weft::tools
