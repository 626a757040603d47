// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/explore.h"

#include <utility>

#include "sim/explore/dfs.h"

namespace weft::sim {

ExploreReport explore(const RunOnce& once, const ExploreOptions& options) {
  if (options.dfs) return explore_depth_first(once, options);
  ExploreReport report(options);
  RunSettings settings = options.settings;
  tell_steps(once, settings);
  for (std::uint64_t i = 0; i < options.seeds; ++i) {
    settings = of_seed(settings, options.settings.seed + i);
    RunRecord record = run_checked(once, settings, options.twice);
    ++report.schedules;
    report.steps += record.steps;
    if (!record.failed()) {
      if (options.goes_on && !options.goes_on(report)) {
        report.ended_early = i + 1 < options.seeds;
        break;
      }
      continue;
    }
    Failure failure;
    failure.seed = settings.seed;
    failure.found_with = record.schedule.deviations.size();
    failure.record = minimise(once, settings, std::move(record), options.minimise_runs_max,
                              report.minimise_runs);
    report.failure = std::move(failure);
    break;
  }
  return report;
}

}  // namespace weft::sim
