// SPDX-License-Identifier: Apache-2.0
// `weft engines`: lists the engines of this build, for people and for scripts.
#pragma once

#include <string>
#include <vector>

#include "tools/help.h"

namespace weft::tools {

CommandHelp engines_help();

// `args` is what follows "engines". Returns the exit code.
int engines_command(const std::vector<std::string>& args);

}  // namespace weft::tools
