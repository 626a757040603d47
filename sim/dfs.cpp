#include "sim/dfs.h"

#include <algorithm>

namespace weft::sim {
namespace {

class Search {
 public:
  Search(const RunOnce& once, const ExploreOptions& options) : once_(once), options_(options) {
    settings_ = options.settings;
    settings_.policy = {};
    settings_.then_policy = false;
    settings_.keep_decisions = true;
  }

  ExploreReport run() {
    while (report_.schedules < options_.seeds) {
      Schedule schedule = forced();
      settings_.forced = &schedule;
      RunRecord record = run_checked(once_, settings_, options_.twice);
      ++report_.schedules;
      report_.steps += record.steps;
      if (record.failed()) {
        fail(std::move(record));
        break;
      }
      if (learn(record.shared_objects)) {
        path_.clear();
        report_.pruned = 0;
        continue;
      }
      extend(record.points);
      if (!next()) {
        report_.exhausted = true;
        break;
      }
    }
    return report_;
  }

 private:
  // The path as a schedule.
  Schedule forced() const {
    Schedule schedule;
    schedule.decisions = path_.size();
    for (std::size_t i = 0; i < path_.size(); ++i) {
      if (path_[i].decision.taken > 0) schedule.deviations.push_back({i, path_[i].decision});
    }
    return schedule;
  }

  void extend(const std::vector<DecisionPoint>& points) {
    for (std::size_t i = path_.size(); i < points.size(); ++i) path_.push_back(points[i]);
  }

  // Returns whether there was something new.
  bool learn(std::uint64_t objects) {
    const bool is_new = (objects & ~shared_) != 0;
    shared_ |= objects;
    return options_.reduce && is_new;
  }

  [[nodiscard]] bool leads_nowhere(const DecisionPoint& point) const {
    return options_.reduce && point.decision.choice == Choice::preempt && point.object != 0 &&
           (shared_ >> point.object & 1) == 0;
  }

  // Turns the path into the next prefix. False: there is none.
  bool next() {
    auto deviations = static_cast<std::uint32_t>(std::count_if(
        path_.begin(), path_.end(), [](const DecisionPoint& p) { return p.decision.taken > 0; }));
    while (!path_.empty()) {
      DecisionPoint& last = path_.back();
      const bool deviates = last.decision.taken > 0;
      const std::uint32_t others = deviations - (deviates ? 1 : 0);
      if (last.decision.taken + 1 < last.decision.options && others < options_.bound) {
        if (!leads_nowhere(last)) {
          ++last.decision.taken;
          return true;
        }
        ++report_.pruned;
      }
      deviations = others;
      path_.pop_back();
    }
    return false;
  }

  void fail(RunRecord record) {
    Failure failure;
    failure.seed = settings_.seed;
    failure.found_with = record.schedule.deviations.size();
    RunSettings settings = settings_;
    settings.keep_decisions = false;
    failure.record = minimise(once_, settings, std::move(record), options_.minimise_runs_max,
                              report_.minimise_runs);
    report_.failure = std::move(failure);
  }

  const RunOnce& once_;
  const ExploreOptions& options_;
  RunSettings settings_;
  std::vector<DecisionPoint> path_;
  std::uint64_t shared_ = 0;  // A bit for each object that several guests touch.
  ExploreReport report_;
};

}  // namespace

ExploreReport explore_depth_first(const RunOnce& once, const ExploreOptions& options) {
  return Search(once, options).run();
}

}  // namespace weft::sim
