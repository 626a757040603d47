// SPDX-License-Identifier: Apache-2.0
// `weft compile [options] guest.wasm...`: fills the cache of compiled modules.
#pragma once

#include <string>
#include <vector>

#include "tools/help.h"

namespace weft::tools {

CommandHelp compile_help();

// `args` is what follows "compile". Returns the exit code.
int compile_command(const std::vector<std::string>& args);

}  // namespace weft::tools
