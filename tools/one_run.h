// SPDX-License-Identifier: Apache-2.0
// One run of guests, in real or in virtual time, as the options say.
#pragma once

#include "tools/run_options.h"

namespace weft::tools {

// Returns the exit code of the process.
int one_run(const RunOptions& options);

}  // namespace weft::tools
