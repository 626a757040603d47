// SPDX-License-Identifier: Apache-2.0
// `weft run`: guests side by side on one thread.
#pragma once

#include <string>
#include <vector>

#include "tools/help.h"

namespace weft::tools {

CommandHelp run_help();

// `args` is what follows "run". Returns the exit code.
int run_command(const std::vector<std::string>& args);

}  // namespace weft::tools
