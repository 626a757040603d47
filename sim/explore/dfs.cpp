// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/dfs.h"

#include <algorithm>
#include <unordered_map>

namespace weft::sim {
namespace {

class Search {
 public:
  Search(const RunOnce& once, const ExploreOptions& options)
      : once_(once), options_(options), report_(options) {
    settings_ = options.settings;
    settings_.policy = {};
    settings_.then_policy = false;
    settings_.keep_decisions = true;
    settings_.reduce = options.reduce;
  }

  ExploreReport run() {
    while (report_.schedules < options_.seeds) {
      Schedule schedule = forced();
      settings_.forced = &schedule;
      RunRecord record = run_checked(once_, settings_, options_.twice);
      ++report_.schedules;
      report_.steps += record.steps;
      if (record.redundant) ++report_.cut_short;
      if (record.failed()) {
        fail(std::move(record));
        break;
      }
      if (learn(record.shared_objects)) {
        path_.clear();
        expanded_.clear();
        taken_for_private_ = 0;
        report_.pruned = 0;
        continue;
      }
      leaks_undecided_ = leaks_undecided_ || record.leaks_undecided;
      extend(record.points);
      if (!next()) {
        report_.exhausted = true;
        break;
      }
      if (options_.goes_on && !options_.goes_on(report_)) {
        report_.ended_early = true;
        break;
      }
    }
    if (leaks_undecided_) report_.unexplored.emplace_back(kLeaksUndecided);
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

  // Up to where the run came to a state from which everything has been tried already.
  void extend(const std::vector<DecisionPoint>& points) {
    const std::uint32_t left = options_.bound - deviations();
    std::size_t i = path_.size();
    for (; i < points.size() && !is_expanded(points[i].state, left); ++i)
      path_.push_back(points[i]);
    for (; left > 0 && i < points.size(); ++i) report_.pruned += points[i].decision.options - 1;
  }

  // With at least so many deviations left. Takes it as expanded from now on.
  bool is_expanded(std::uint64_t state, std::uint32_t left) {
    if (!options_.reduce || state == 0) return false;
    const auto [it, is_new] = expanded_.try_emplace(state, left);
    if (!is_new && it->second >= left) return true;
    it->second = left;
    return false;
  }

  [[nodiscard]] std::uint32_t deviations() const {
    return static_cast<std::uint32_t>(std::count_if(
        path_.begin(), path_.end(), [](const DecisionPoint& p) { return p.decision.taken > 0; }));
  }

  // Returns whether branches were left out for objects that are shared after all.
  bool learn(std::uint64_t objects) {
    const bool was_wrong = (objects & ~shared_ & taken_for_private_) != 0;
    shared_ |= objects;
    return was_wrong;
  }

  // Would the next option of this decision?
  [[nodiscard]] bool leads_nowhere(const DecisionPoint& point) {
    if (!options_.reduce) return false;
    const Decision& decision = point.decision;
    const std::uint64_t object = std::uint64_t{1} << point.object;
    if (decision.choice != Choice::preempt || point.object == 0 || !point.goes_on) return false;
    if ((shared_ & object) == 0) taken_for_private_ |= object;
    return (shared_ & object) == 0;
  }

  // Turns the path into the next prefix. False: there is none.
  bool next() {
    std::uint32_t deviations = this->deviations();
    while (!path_.empty()) {
      DecisionPoint& last = path_.back();
      const bool deviates = last.decision.taken > 0;
      const std::uint32_t others = deviations - (deviates ? 1 : 0);
      while (last.decision.taken + 1 < last.decision.options && others < options_.bound) {
        const bool skip = leads_nowhere(last);
        ++last.decision.taken;
        if (!skip) return true;
        ++report_.pruned;
      }
      deviations = others;
      path_.pop_back();
    }
    return false;
  }

  void fail(RunRecord record) {
    RunSettings settings = settings_;
    settings.keep_decisions = false;
    settings.reduce = false;
    report_.failure = minimise(once_, settings, std::move(record), options_, report_.minimise_runs);
  }

  const RunOnce& once_;
  const ExploreOptions& options_;
  RunSettings settings_;
  std::vector<DecisionPoint> path_;
  std::uint64_t shared_ = 0;             // A bit for each object that several guests touch.
  std::uint64_t taken_for_private_ = 0;  // Likewise: for which branches were left out.
  std::unordered_map<std::uint64_t, std::uint32_t> expanded_;  // States, with deviations left.
  bool leaks_undecided_ = false;
  ExploreReport report_;
};

}  // namespace

ExploreReport explore_depth_first(const RunOnce& once, const ExploreOptions& options) {
  return Search(once, options).run();
}

}  // namespace weft::sim
