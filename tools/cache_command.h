// SPDX-License-Identifier: Apache-2.0
// `weft cache ls` and `weft cache clear`: the modules that the engine aot has compiled.
#pragma once

#include <string>
#include <vector>

#include "tools/help.h"

namespace weft::tools {

CommandHelp cache_help();

// `args` is what follows "cache". Returns the exit code.
int cache_command(const std::vector<std::string>& args);

}  // namespace weft::tools
