// SPDX-License-Identifier: Apache-2.0
// `weft run --virtual-time`: one run in the simulation, with the guests' output on weft's own.
#pragma once

#include "tools/run_options.h"

namespace weft::tools {

int run_virtual(const RunOptions& options);

// Loads the modules of all guests, once each. The error names the file.
Result<std::vector<sim::GuestSetup>> load_guests(Runtime& loader, const RunOptions& options);

// Says on stderr how the run ended, if there is something to say.
void report_end(const sim::RunRecord& record);

int exit_code_of(const sim::RunRecord& record);

}  // namespace weft::tools
