// SPDX-License-Identifier: Apache-2.0
// How a run ended: what is said of it on stderr, and the exit code. For runs in real time (Guest,
// RunResult) and in virtual time (sim::RunRecord).
#pragma once

#include <string>

#include "guest/runtime.h"
#include "sim/run.h"
#include "tools/run_options.h"

namespace weft::tools {

// Says how a guest trapped, and where.
void report_trap(const Guest& guest);

// Ends the process when report_trap() told of a guest whose compiled code was lost: at an ordinary
// end the system would run what of it belongs to the end.
void leave_without_lost_code(int code);

// It exited with another code than 0, or trapped.
bool has_failed(const Guest& guest);

// "3", "trap", "killed"; "-" while it runs.
std::string end_in_words(const Guest& guest);

// What a run as a whole exits with; signal: what ended it, or 0.
int exit_code_of(const Runtime& runtime, const RunResult& result, int signal);

// Says how a run in virtual time ended, if there is something to say.
void report_end(const sim::RunRecord& record);

// Of a run in virtual time that a guest's own end made fail: a hint (tools/hints.h), if one of the
// command lines may be why. Which guest it was is not known any more.
void hint_at_failure(const RunOptions& options, sim::Ending ending);

int exit_code_of(const sim::RunRecord& record);

}  // namespace weft::tools
