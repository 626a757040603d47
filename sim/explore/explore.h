// SPDX-License-Identifier: Apache-2.0
// Exploration: many schedules of one program, until one of them fails.
//
//   settings ─▶ RunOnce ─▶ RunRecord ──── fails ───▶ minimise ─▶ Failure
//      ▲                      │ passes
//      └── next seed, or next branch (DFS)
//
// Each schedule is run twice: a difference between the two is a failure of its own, and names the
// first event that differs. RunOnce is whatever can be run under a schedule: guests
// (sim/guest_run.h), or a native function (explore(fn) below).
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "sim/run.h"

namespace weft::sim {

// Runs the program once under these settings.
using RunOnce = std::function<RunRecord(const RunSettings& settings)>;

struct ExploreOptions {
  RunSettings settings;       // settings.seed is the first seed.
  std::uint64_t seeds = 100;  // How many schedules at most; DFS too.
  bool dfs = false;           // Depth first, not by seeds: every schedule with at most `bound`
  std::uint32_t bound = 2;    // deviations from FIFO.
  bool reduce = true;         // DFS: leave out schedules that only reorder what is independent.
  bool twice = true;          // Run each schedule twice and compare.
  std::uint64_t minimise_runs_max = 400;
};

struct Failure {
  std::uint64_t seed = 0;      // Which one failed first.
  RunRecord record;            // Of the minimised schedule.
  std::size_t found_with = 0;  // How many deviations the schedule had when it was found.
};

struct ExploreReport {
  std::uint64_t schedules = 0;  // Run, without the repetitions and without those of minimising.
  std::uint64_t steps = 0;
  std::uint64_t minimise_runs = 0;
  std::uint64_t pruned = 0;     // DFS: branches left out by the reduction.
  std::uint64_t cut_short = 0;  // DFS: runs that were ended as redundant.
  bool exhausted = false;       // DFS: there is no other schedule within the bound.
  std::optional<Failure> failure;

  // A few lines for people.
  [[nodiscard]] std::string text() const;
};

// Tries schedules until one fails.
ExploreReport explore(const RunOnce& once, const ExploreOptions& options);

// Runs settings.seed, twice if so told. Used by explore for each seed.
RunRecord run_checked(const RunOnce& once, RunSettings settings, bool twice);

// The smallest schedule found, within the budget, that ends as this failing record did. `runs` is
// increased by how many it took.
RunRecord minimise(const RunOnce& once, RunSettings settings, RunRecord failing,
                   std::uint64_t runs_max, std::uint64_t& runs);

// Lets a policy with the parameter `steps` know how long the program is, unless it was told.
void tell_steps(const RunOnce& once, RunSettings& settings);

// The same for a native program: fn runs as the first G of a scheduler of its own, in virtual time.
// It fails by an exception, by check() below, by a deadlock of fn itself, or by a livelock. The run
// ends when fn returns; other Gs are killed then.
ExploreReport explore(const std::function<void()>& fn, const ExploreOptions& options = {});

// One run of a native program.
RunRecord run_native(const std::function<void()>& fn, const RunSettings& settings);

// Tells that the calling G is about to touch something that others may too, under a number from 1
// to 63; another G may come in between. When everything that Gs share is told so, a search with
// settings.accesses_told leaves out what only reorders independent accesses. On a G.
enum class Touch : std::uint8_t {
  reads,
  writes,
  wakes,  // Writes, and may make another G runnable, as the unlocking of a mutex.
};
void access(unsigned object, Touch touch);

// Fails the run when the condition does not hold: the calling G does not go on. On a G.
void check(bool condition, const std::string& message = "a check failed");

}  // namespace weft::sim
