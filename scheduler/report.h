// What the scheduler says when it can't go on, and what it says when it is asked: a line for each
// G, in Go's form.
#pragma once

#include <cstdint>
#include <string>

namespace weft {

class Scheduler;
enum class RunEnd : std::uint8_t;

// One line for each live G, by id:  goroutine 7 [chan receive, 1.500s]: worker
// Waiting Gs show their reason and for how long (as of the loop's last look outside), others their
// state.
std::string dump_gs(Scheduler& scheduler);

// One line for each M that is not M0 alone:  M1: sleeping (note sleep) curg=7
std::string dump_ms(Scheduler& scheduler);

// What a run that ended so has to say: Go's fatal text, a blank line, and the dumps. Empty when all
// is well.
std::string fatal_report(Scheduler& scheduler, RunEnd end);

// One line in the form of Go's schedtrace, without an end of line.
std::string schedtrace(Scheduler& scheduler);

}  // namespace weft
