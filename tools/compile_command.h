// SPDX-License-Identifier: Apache-2.0
// `weft compile [options] guest.wasm...`: fills the cache of compiled modules.
#pragma once

#include <string>
#include <vector>

namespace weft::tools {

// `args` is what follows "compile". Returns the exit code.
int compile_command(const std::vector<std::string>& args);

}  // namespace weft::tools
