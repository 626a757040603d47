// SPDX-License-Identifier: Apache-2.0
// Runs the schedules of `weft test` in parallel processes, each a stripe of the seeds.
//
//   worker k of n: seeds first + k, first + k + n, ...; a SeedRun on its pipe for each; stops at
//   its first failure. The parent reads until no seed below the lowest failing one is left.
//
// So the answer, the lowest failing seed, does not depend on how many workers there are. A worker
// ends with its parent, also when that is killed. It loads its modules itself: machine code that
// jit has made before the fork lies in memory that all would write to.
#pragma once

#include "sim/explore/explore.h"
#include "tools/search_progress.h"
#include "tools/seed_run.h"

namespace weft::tools {

struct SeedSearch {
  std::uint64_t schedules = 0;
  std::uint64_t steps = 0;
  std::uint64_t longest = 0;                  // The most steps of a run that passed.
  bool leaks_undecided = false;               // Of a run that passed.
  std::optional<std::uint64_t> failing_seed;  // The lowest.
  bool ended_early = false;                   // The time was over.
  std::vector<SeedRun> runs;                  // Ascending; only when they are kept.
};

struct SearchKind {
  unsigned jobs = 1;
  bool keep_going = false;  // Run all seeds, also behind a failing one.
  bool keep_runs = false;
};

// Makes what runs a schedule, in the process of a worker.
using MakeRunOnce = std::function<Result<sim::RunOnce>()>;

// Shows how far it is while it goes on, and ends when the time is over. Fails when the system
// refuses a process, or when one dies, which names its seed. Throws Interrupted when a signal was
// noted (tools/noted_signals.h). No worker is left when it returns or throws.
Result<SeedSearch> search_seeds(const MakeRunOnce& make, const sim::ExploreOptions& options,
                                const SearchKind& kind, SearchProgress& progress);

}  // namespace weft::tools
