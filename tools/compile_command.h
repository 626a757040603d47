// SPDX-License-Identifier: Apache-2.0
// `weft compile [options] guest.wasm...`: fills the cache of compiled modules.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/run_options.h"

namespace weft::tools {

// `args` is what follows "compile". Returns what to print and exit with, or nothing: all is well.
std::optional<ExitNow> compile_command(const std::vector<std::string>& args);

}  // namespace weft::tools
