// SPDX-License-Identifier: Apache-2.0
// `weft engines`: lists the engines of this build, for people and for scripts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/run_options.h"

namespace weft::tools {

// `args` is what follows "engines". Returns what to print and exit with.
std::optional<ExitNow> engines_command(const std::vector<std::string>& args);

}  // namespace weft::tools
