// SPDX-License-Identifier: Apache-2.0
// `weft run`: loads the modules, runs the guests, reports how they ended.
#pragma once

#include "tools/run_options.h"

namespace weft::tools {

// Returns the exit code of the process.
int run_command(const RunOptions& options);

// Says on stderr how a guest trapped, and where.
void report_trap(const Guest& guest);

// What a run as a whole exits with; signal: what ended it, or 0.
int exit_code_of(const Runtime& runtime, const RunResult& result, int signal);

}  // namespace weft::tools
