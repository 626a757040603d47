// SPDX-License-Identifier: Apache-2.0
// A run in virtual time: one run in the simulation, with the guests' output on weft's own.
#pragma once

#include "tools/run_options.h"

namespace weft::tools {

// Returns the exit code of the process.
int run_in_virtual_time(const RunOptions& options);

}  // namespace weft::tools
