// SPDX-License-Identifier: Apache-2.0
// What the scheduler says when it can't go on, and what it says when it is asked: a line for each
// G, in Go's form.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

class Scheduler;

// One line for each live G, by id:  goroutine 7 [chan receive, 1.500s]: worker
// Waiting Gs show their reason and for how long (as of the loop's last look outside), others their
// state.
std::string dump_gs(Scheduler& scheduler);

// One line for each M that is not M0 alone:  M1: sleeping (note sleep) curg=7
std::string dump_ms(Scheduler& scheduler);

// The text of a fatal end, a blank line, and the dumps.
std::string fatal_report(Scheduler& scheduler, std::string_view text);

// One line in the form of Go's schedtrace, without an end of line.
std::string schedtrace(Scheduler& scheduler);

// As Go's scheddetail: a line for the P, for each M and for each G, with ends of lines.
std::string scheddetail(Scheduler& scheduler);

}  // namespace weft
