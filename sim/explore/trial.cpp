// SPDX-License-Identifier: Apache-2.0
#include "sim/explore/trial.h"

#include <algorithm>
#include <iterator>

#include "scheduler/random.h"

namespace weft::sim {
namespace {

// What differs between two runs of one schedule.
RunRecord difference(const RunOnce& once, RunSettings settings, RunRecord first) {
  settings.keep_events = true;
  const RunRecord a = once(settings);
  const RunRecord b = once(settings);
  const std::size_t at = first_difference(a.events, b.events);
  const auto event = [at](const RunRecord& record) {
    return at < record.events.size() ? describe(record.events[at]) : "(the end)";
  };
  first.ending = Ending::nondeterministic;
  first.message = "the same schedule gave two different runs";
  if (a.hash != b.hash) {
    first.message +=
        "; event " + std::to_string(at) + " was\n    " + event(a) + "\nand then\n    " + event(b);
  }
  return first;
}

Schedule without(const Schedule& schedule, std::size_t from, std::size_t to) {
  Schedule smaller;
  smaller.decisions = UINT64_MAX;
  for (std::size_t i = 0; i < schedule.deviations.size(); ++i) {
    if (i < from || i >= to) smaller.deviations.push_back(schedule.deviations[i]);
  }
  return smaller;
}

// The same run once more, so that the report can say what goroutines did.
RunRecord with_operations(const RunOnce& once, RunSettings settings, RunRecord failing) {
  settings.forced = &failing.schedule;
  settings.keep_events = true;
  RunRecord again = once(settings);
  if (again.hash == failing.hash) failing.message = std::move(again.message);
  return failing;
}

}  // namespace

RunRecord run_checked(const RunOnce& once, RunSettings settings, bool twice) {
  RunRecord record = once(settings);
  if (!twice) return record;
  if (record.out_of_patience) {  // Where it was stopped is a matter of the machine.
    settings.steps_max = record.steps_max;
    settings.patience = {};
  }
  const RunRecord again = once(settings);
  if (again.hash == record.hash && again.ending == record.ending &&
      again.exit_code == record.exit_code && again.message == record.message) {
    return record;
  }
  return difference(once, std::move(settings), std::move(record));
}

// Leaves out ever smaller parts of the deviations, as long as the run still ends in the same way.
Failure minimise(const RunOnce& once, RunSettings settings, RunRecord failing,
                 const ExploreOptions& options, std::uint64_t& runs) {
  Failure failure;
  failure.seed = settings.seed;
  failure.found_with = failing.schedule.deviations.size();
  failure.record = std::move(failing);
  RunRecord& best = failure.record;
  // Each run of a schedule that was stopped would take as long again.
  if (best.ending == Ending::nondeterministic || best.out_of_patience) return failure;
  settings.then_policy = false;
  const auto still_fails = [&](const Schedule& schedule, RunRecord& out) {
    settings.forced = &schedule;
    ++runs;
    out = once(settings);
    return out.ending == best.ending && out.exit_code == best.exit_code;
  };
  const std::uint64_t runs_before = runs;
  const auto goes_on = [&] {
    const std::uint64_t done = runs - runs_before;
    if (done >= options.minimise_runs_max) return false;
    failure.ended_early = options.minimising_goes_on &&
                          !options.minimising_goes_on(done, best.schedule.deviations.size());
    return !failure.ended_early;
  };
  std::size_t part = std::max<std::size_t>(failure.found_with, 1);
  bool ended = false;
  while (part > 0 && !ended) {
    bool smaller = false;
    for (std::size_t from = 0; from < best.schedule.deviations.size();) {
      ended = !goes_on();
      if (ended) break;
      const std::size_t before = best.schedule.deviations.size();
      RunRecord record;
      if (still_fails(without(best.schedule, from, from + part), record) &&
          record.schedule.deviations.size() < before) {
        best = std::move(record);
        smaller = true;
      } else {
        from += part;
      }
    }
    if (part == 1 && !smaller) break;
    part = std::max<std::size_t>(part / 2, 1);
  }
  best = with_operations(once, settings, std::move(best));
  return failure;
}

// The cost: nothing, or from a fast machine to a slow one: time-outs and work then meet in both
// orders. The second half of a long schedule is fair, so that a program that polls until another
// has done something, or until time has passed, is no livelock. A policy that preempts lets all Gs
// run soon, where in a real run they may have to wait for one that does thousands of things. So
// some seeds preempt nobody.
RunSettings of_seed(const RunSettings& settings, std::uint64_t seed) {
  static constexpr std::uint64_t kSeedsPerUndisturbed = 16;
  static constexpr Duration kCosts[] = {Duration{}, microseconds(1), microseconds(10), kFairCost};
  RunSettings own = settings;
  own.seed = seed;
  if (settings.draws_cost) own.cost = kCosts[Random(seed).below(std::size(kCosts))];
  if (!settings.searches_go) return own;
  own.fair_from = fair_from(settings.steps_max);
  if (seed % kSeedsPerUndisturbed == 0) own.policy = undisturbed(own.policy);
  return own;
}

std::string unexplored_of(const RunSettings& settings, std::uint64_t longest) {
  const std::uint64_t from = fair_from(settings.steps_max);
  if (!settings.searches_go || longest < from) return {};
  return "other orders after step " + std::to_string(from);
}

void tell_steps(const RunOnce& once, RunSettings& settings) {
  PolicySpec& policy = settings.policy;
  const auto known = policies();
  const auto info = std::find_if(known.begin(), known.end(),
                                 [&](const PolicyInfo& p) { return p.name == policy.name; });
  if (info->parameters.find("steps") == std::string_view::npos) return;
  if (policy.parameters.contains("steps")) return;
  RunSettings plain = settings;
  plain.policy = {};
  policy.parameters["steps"] =
      std::clamp<std::uint64_t>(once(plain).schedule.decisions, 4, 100'000);
}

namespace {

constexpr std::size_t kDeviationsShown = 20;
constexpr std::size_t kLinesShown = 12;  // Of stdout and of stderr.
constexpr std::size_t kLineShownMax = 1'000;

std::string text_of(const Schedule& schedule) {
  std::string said;
  for (std::size_t i = 0; i < std::min(schedule.deviations.size(), kDeviationsShown); ++i) {
    const Deviation& deviation = schedule.deviations[i];
    said += "    decision " + std::to_string(deviation.at) + ": " +
            name(deviation.decision.choice) + " " + std::to_string(deviation.decision.taken) +
            " of " + std::to_string(deviation.decision.options) + "\n";
  }
  if (schedule.deviations.size() > kDeviationsShown) said += "    ...\n";
  return said;
}

std::string shown(const std::string& line) {
  if (line.size() <= kLineShownMax) return line;
  return line.substr(0, kLineShownMax) + "... (a line of " + std::to_string(line.size()) +
         " bytes)";
}

// The last lines of what all guests wrote to this stream; cut: there was more.
std::string last_lines(const std::string& stream, const std::string& written, bool cut) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < written.size();) {
    const std::size_t end = std::min(written.find('\n', at), written.size());
    lines.push_back(written.substr(at, end - at));
    at = end + 1;
  }
  if (lines.empty()) return {};
  const std::size_t first = lines.size() - std::min(lines.size(), kLinesShown);
  std::string said = (first == 0 && !cut ? "" : "the last lines of ") + stream + ":\n";
  for (std::size_t i = first; i < lines.size(); ++i) said += "    " + shown(lines[i]) + "\n";
  return said;
}

}  // namespace

std::string text_of(const Failure& failure) {
  const RunRecord& record = failure.record;
  std::string said = record.message + "\n";
  if (record.out_of_patience) {
    said += "it was stopped there, since it took longer than one schedule may\n";
  }
  said += "schedule: " + std::to_string(record.schedule.deviations.size()) +
          " deviations from fifo (found with " + std::to_string(failure.found_with) +
          (failure.ended_early ? "; there may be a smaller one: the search was ended" : "") +
          "), " + std::to_string(record.schedule.decisions) + " decisions\n";
  return said + text_of(record.schedule) + last_lines("stdout", record.out, record.out_cut) +
         last_lines("stderr", record.err, record.err_cut);
}

namespace {

std::string verdict(const ExploreReport& report) {
  if (report.exhausted) {
    return ": all pass, and there are no others with at most " + std::to_string(report.bound) +
           " deviations from fifo\n";
  }
  if (!report.ended_early) return ": all pass\n";
  if (report.schedules == 0) return ": the search was ended before one had run\n";
  return ": all pass; the search was ended before all had run\n";
}

}  // namespace

std::string ExploreReport::text() const {
  std::string said = std::to_string(schedules) + " schedules, " + std::to_string(steps) + " steps";
  if (pruned > 0) said += ", " + std::to_string(pruned) + " branches left out";
  if (cut_short > 0) said += ", " + std::to_string(cut_short) + " runs cut short";
  if (failure) {
    return said + ": seed " + std::to_string(failure->seed) +
           " fails: " + name(failure->record.ending) + "\n" + text_of(*failure);
  }
  said += verdict(*this);
  for (const std::string& line : unexplored) said += "not explored: " + line + "\n";
  return said;
}

}  // namespace weft::sim
