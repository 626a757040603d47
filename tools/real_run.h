// SPDX-License-Identifier: Apache-2.0
// A run in real time: loads the modules, runs the guests, reports how they ended.
#pragma once

#include "tools/run_options.h"

namespace weft::tools {

// Returns the exit code of the process.
int run_in_real_time(const RunOptions& options);

}  // namespace weft::tools
