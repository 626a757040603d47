// SPDX-License-Identifier: Apache-2.0
// The guests of a run in virtual time: modules loaded, everything else as sim/guest_run.h wants it.
#pragma once

#include <vector>

#include "sim/guest_run.h"
#include "tools/run_options.h"

namespace weft::tools {

// The error names the file.
Result<std::vector<sim::GuestSetup>> load_guests(Runtime& loader, const RunOptions& options);

}  // namespace weft::tools
