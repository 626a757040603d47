// SPDX-License-Identifier: Apache-2.0
// `weft cache ls` and `weft cache clear`: the modules that the engine aot has compiled.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/run_options.h"

namespace weft::tools {

// `args` is what follows "cache". Returns what to print and exit with.
std::optional<ExitNow> cache_command(const std::vector<std::string>& args);

}  // namespace weft::tools
