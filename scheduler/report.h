// SPDX-License-Identifier: Apache-2.0
// What the scheduler says when it can't go on, and what it says when it is asked: a line for each
// G, in Go's form.
//
//   std::fputs(dump_gs(scheduler.census()).c_str(), stderr);
//
// From: the scheduler's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"

namespace weft {

struct G;
struct M;

// What there is at one moment. Holds while nothing runs.
struct Census {
  std::vector<const G*> gs;  // That are runnable, running or waiting; by id.
  std::vector<const M*> ms;  // That are not dead; M0 first.
  const M* current_m;        // The one that has the thread.
  std::size_t runnable;      // Gs in the run queue.
  std::uint64_t switches;    // So far.
  Instant now;               // As of the loop's last look outside.
  Duration since_start;      // Of the scheduler.
};

// One line for each live G, by id:  goroutine 7 [chan receive, 1.500s]: worker
// Waiting Gs show their reason and for how long, others their state.
std::string dump_gs(const Census& census);

// One line for each M, by id, if there are several:  M1: sleeping (note sleep) curg=7
std::string dump_ms(const Census& census);

// The text of a fatal end, a blank line, and the dumps.
std::string fatal_report(const Census& census, std::string_view text);

// One line in the form of Go's schedtrace, without an end of line.
std::string schedtrace(const Census& census);

// As Go's scheddetail: a line for the P, for each M and for each G, with ends of lines.
std::string scheddetail(const Census& census);

}  // namespace weft
