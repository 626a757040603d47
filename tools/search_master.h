// SPDX-License-Identifier: Apache-2.0
// run_master: hands out the parts of a search, and keeps the books until it is complete.
//
//   put 1..N ─▶ [ next_report ─▶ books ]... ─▶ complete, or the time is over ─▶ Verdict
//                     ├─ it could not be run, or does not fit: given out again, until it has
//                     │  failed three times, at three workers if there are so many, or until
//                     │  all workers that are there have only failed
//                     └─ none, and nothing is on its way: what is missing is put again, up to
//                        ten times in a row
#pragma once

#include "base/instant.h"
#include "tools/part_queue.h"
#include "tools/search_books.h"

namespace weft::tools {

// How often a part may come back without a verdict that fits, from different workers, before the
// search ends. With fewer workers it must have failed at all of them.
inline constexpr std::uint64_t kPartAttempts = 3;

// So often in a row a worker fails, at any parts, until it is taken for broken. With all that are
// there broken, the search ends: with many parts it would take long until one of them has come back
// kPartAttempts times. A verdict from any worker begins the count again.
inline constexpr std::uint64_t kFailuresInRow = 4;

// So often in a row what is missing is put again, without a verdict in between.
inline constexpr std::uint64_t kLostInRow = 10;

// The error: a part that nobody can run, with the reason that the last worker gave. Throws
// Interrupted when a signal was noted (tools/noted_signals.h). search_limit: 0: none.
Result<Verdict> run_master(MasterQueue& queue, SearchBooks& books, std::uint64_t schedules,
                           Duration search_limit);

}  // namespace weft::tools
