// SPDX-License-Identifier: Apache-2.0
// Trial: one schedule of one program, tried. All searches use this: how a program is run once, the
// options and the report of a search, a schedule run twice and compared, a failing schedule
// minimised. The searches themselves are sim/explore/explore.h (by seeds) and sim/explore/dfs.h.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/run.h"

namespace weft::sim {

// Runs the program once under these settings.
using RunOnce = std::function<RunRecord(const RunSettings& settings)>;

struct ExploreReport;

struct ExploreOptions {
  RunSettings settings;       // settings.seed is the first seed.
  std::uint64_t seeds = 100;  // How many schedules at most; DFS too.
  bool dfs = false;           // Depth first, not by seeds: every schedule with at most `bound`
  std::uint32_t bound = 2;    // deviations from FIFO.
  bool reduce = true;         // DFS: leave out schedules that only reorder what is independent.
  bool twice = true;          // Run each schedule twice and compare.
  std::uint64_t minimise_runs_max = 400;
  // What the search cannot order, for the verdict: a line each.
  std::vector<std::string> unexplored;
  // Called after each schedule, with what is known so far. False ends the search.
  std::function<bool(const ExploreReport& so_far)> goes_on;
  // Called before each run that may make a failing schedule smaller: how many runs there were, and
  // how many deviations the smallest one has. False ends that, with this one.
  std::function<bool(std::uint64_t runs, std::size_t deviations)> minimising_goes_on;
};

struct Failure {
  std::uint64_t seed = 0;      // Which one failed first.
  RunRecord record;            // Of the minimised schedule.
  std::size_t found_with = 0;  // How many deviations the schedule had when it was found.
  bool ended_early = false;    // ExploreOptions::minimising_goes_on ended the minimising.
};

struct ExploreReport {
  ExploreReport() = default;
  explicit ExploreReport(const ExploreOptions& options)
      : bound(options.bound), unexplored(options.unexplored) {}

  std::uint32_t bound = 0;  // Those of the options.
  std::vector<std::string> unexplored;
  std::uint64_t schedules = 0;  // Run, without the repetitions and without those of minimising.
  std::uint64_t steps = 0;
  std::uint64_t minimise_runs = 0;
  std::uint64_t pruned = 0;     // DFS: branches left out by the reduction.
  std::uint64_t cut_short = 0;  // DFS: runs that were ended as redundant.
  bool exhausted = false;       // DFS: there is no other schedule within the bound.
  bool ended_early = false;     // ExploreOptions::goes_on ended it.
  std::optional<Failure> failure;

  // A few lines for people: the verdict, what was explored and what was not, the failure with the
  // end of what the guests wrote.
  [[nodiscard]] std::string text() const;
};

// What is said of a failure below the verdict.
std::string text_of(const Failure& failure);

// The settings of one seed: the seed, what is drawn from it, and from when on its run is fair.
RunSettings of_seed(const RunSettings& settings, std::uint64_t seed);

// With searches_go: the first step of a run of so many in which the policy is not asked.
constexpr std::uint64_t fair_from(std::uint64_t steps_max) {
  return steps_max / 2;
}

// A line of ExploreReport::unexplored, when the longest run that passed had so many steps; "": its
// policy was asked up to its end.
std::string unexplored_of(const RunSettings& settings, std::uint64_t longest);

// Another one, when a run that passed was undecided about leaks.
inline constexpr std::string_view kLeaksUndecided =
    "leaked goroutines: in some schedules others go on after main has ended";

// Runs settings.seed, twice if so told. Used by every search.
RunRecord run_checked(const RunOnce& once, RunSettings settings, bool twice);

// With the smallest schedule found, within the budget, that ends as this failing record did.
// settings: those of the failing run. `runs` is increased by how many it took.
Failure minimise(const RunOnce& once, RunSettings settings, RunRecord failing,
                 const ExploreOptions& options, std::uint64_t& runs);

// Lets a policy with the parameter `steps` know how long the program is, unless it was told.
void tell_steps(const RunOnce& once, RunSettings& settings);

}  // namespace weft::sim
