// What the scheduler says when it can't go on, and what it says when it is asked: a line for each G, in Go's form.
#pragma once

#include <string>

namespace weft {

class Scheduler;

// One line for each live G, by id:  goroutine 7 [chan receive, 1.500s]: worker
// Waiting Gs show their reason and for how long (as of the loop's last look outside), others their state.
std::string dump_gs(Scheduler& scheduler);

// Go's fatal text, a blank line, and the dump.
std::string deadlock_report(Scheduler& scheduler);

}  // namespace weft
