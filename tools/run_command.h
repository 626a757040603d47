// `weft run`: loads the modules, runs the guests, reports how they ended.
#pragma once

#include "tools/run_options.h"

namespace weft::tools {

// Returns the exit code of the process.
int run_command(const RunOptions& options);

}  // namespace weft::tools
