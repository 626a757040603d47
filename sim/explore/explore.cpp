// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/explore.h"

#include <algorithm>
#include <utility>

#include "sim/explore/dfs.h"

namespace weft::sim {

ExploreReport explore(const RunOnce& once, const ExploreOptions& options) {
  if (options.dfs) return explore_depth_first(once, options);
  ExploreReport report(options);
  RunSettings of_all = options.settings;
  tell_steps(once, of_all);
  std::uint64_t longest = 0;
  bool leaks_undecided = false;
  for (std::uint64_t i = 0; i < options.seeds; ++i) {
    const RunSettings settings = of_seed(of_all, options.settings.seed + i);
    RunRecord record = run_checked(once, settings, options.twice);
    ++report.schedules;
    report.steps += record.steps;
    if (!record.failed()) {
      longest = std::max(longest, record.steps);
      leaks_undecided = leaks_undecided || record.leaks_undecided;
      if (options.goes_on && !options.goes_on(report)) {
        report.ended_early = i + 1 < options.seeds;
        break;
      }
      continue;
    }
    report.failure = minimise(once, settings, std::move(record), options, report.minimise_runs);
    break;
  }
  if (std::string line = unexplored_of(options.settings, longest); !line.empty()) {
    report.unexplored.push_back(std::move(line));
  }
  if (leaks_undecided) report.unexplored.emplace_back(kLeaksUndecided);
  return report;
}

}  // namespace weft::sim
