// SPDX-License-Identifier: Apache-2.0
#include "tools/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/printable.h"
#include "tools/json_text.h"

namespace weft::tools {
namespace {

// All seeds that fail, and how: with keep_going.
std::string failing_line(const Verdict& verdict) {
  constexpr std::size_t kSeedsShown = 20;
  std::map<sim::Ending, std::size_t> kinds;
  std::string seeds;
  std::size_t count = 0;
  for (const SeedRun& run : verdict.runs) {
    if (run.ending == sim::Ending::passed) continue;
    ++kinds[run.ending];
    if (++count <= kSeedsShown) seeds += " " + std::to_string(run.seed);
  }
  std::string by_kind;
  for (const auto& [ending, number] : kinds) {
    by_kind += fmt::format("{}{} {}", by_kind.empty() ? "" : ", ", name(ending), number);
  }
  return fmt::format("{} of {} seeds fail ({}):{}{}\n", count, verdict.schedules, by_kind, seeds,
                     count > kSeedsShown ? " ..." : "");
}

std::string coverage(const Verdict& verdict) {
  if (verdict.runs.empty()) return "null";
  std::set<std::uint64_t> orders;
  std::uint64_t decisions = 0;
  std::uint64_t decisions_max = 0;
  std::uint64_t deviations = 0;
  std::uint64_t deviations_max = 0;
  for (const SeedRun& run : verdict.runs) {
    orders.insert(run.order);
    decisions += run.decisions;
    deviations += run.deviations;
    decisions_max = std::max(decisions_max, run.decisions);
    deviations_max = std::max(deviations_max, run.deviations);
  }
  return fmt::format(
      "{{\"orders\": {}, \"decisions\": {}, \"decisions_max\": {}, \"deviations\": {}, "
      "\"deviations_max\": {}}}",
      orders.size(), decisions, decisions_max, deviations, deviations_max);
}

std::string hex_of(std::string_view bytes) {
  std::string digits;
  for (const char c : bytes) digits += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return digits;
}

std::string failures(const Verdict& verdict) {
  std::string out;
  const auto add = [&out](std::uint64_t seed, sim::Ending ending) {
    out += fmt::format("{}{{\"seed\": {}, \"kind\": {}}}", out.empty() ? "" : ", ", seed,
                       json_text(name(ending)));
  };
  for (const SeedRun& run : verdict.runs) {
    if (run.ending != sim::Ending::passed) add(run.seed, run.ending);
  }
  if (verdict.runs.empty() && verdict.failure) {
    add(verdict.failure->what.seed, verdict.failure->what.ending);
  }
  return "[" + out + "]";
}

std::string failure_json(const std::optional<VerdictFailure>& failure) {
  if (!failure) return "null";
  std::string deviations;
  for (const sim::Deviation& deviation : failure->schedule.deviations) {
    deviations +=
        fmt::format("{}{{\"at\": {}, \"choice\": \"{}\", \"options\": {}, \"taken\": {}}}",
                    deviations.empty() ? "" : ", ", deviation.at, name(deviation.decision.choice),
                    deviation.decision.options, deviation.decision.taken);
  }
  return fmt::format(
      "{{\"kind\": {}, \"seed\": {}, \"message\": {}, \"hash\": \"{:016x}\", \"decisions\": {}, "
      "\"found_with\": {}, \"replay\": {}, \"deviations\": [{}], \"text\": {}, "
      "\"replay_file\": \"{}\"}}",
      json_text(name(failure->what.ending)), failure->what.seed, json_text(failure->message),
      failure->hash, failure->schedule.decisions, failure->found_with,
      json_text(failure->replay_path), deviations, json_text(failure->text),
      hex_of(failure->replay));
}

std::string modules_json(const std::vector<SearchIdentity::Module>& modules) {
  std::string out;
  for (const SearchIdentity::Module& module : modules) {
    out += fmt::format("{}{{\"name\": {}, \"sha256\": {}}}", out.empty() ? "" : ", ",
                       json_text(module.name), json_text(module.sha256));
  }
  return "[" + out + "]";
}

std::string runs_json(const std::vector<SeedRun>& runs) {
  std::string out;
  for (const SeedRun& run : runs) {
    out += fmt::format("{}[{}, {}, {}, {}, \"{:016x}\", {}]", out.empty() ? "\n" : ",\n", run.seed,
                       run.steps, run.decisions, run.deviations, run.order,
                       json_text(name(run.ending)));
  }
  return "[" + out + "]";
}

}  // namespace

SeedRange range_of(const Part& part, const SeedRange& whole) {
  // The first parts have one seed more than the others.
  const std::uint64_t each = whole.count / part.of;
  const std::uint64_t more = whole.count % part.of;
  const auto begin = [&](std::uint64_t i) { return i * each + std::min(i, more); };
  const std::uint64_t from = begin(part.index - 1);
  return {whole.first + from, begin(part.index) - from};
}

std::string Verdict::text() const {
  sim::ExploreReport report;
  report.bound = static_cast<std::uint32_t>(bound);
  report.unexplored = unexplored;
  report.schedules = schedules;
  report.steps = steps;
  report.pruned = pruned;
  report.cut_short = cut_short;
  report.exhausted = exhausted;
  report.ended_early = ended_early;
  if (!failure) return report.text();
  const std::string head = report.text();
  return head.substr(0, head.find(':')) + ": seed " + std::to_string(failure->what.seed) +
         " fails: " + name(failure->what.ending) + "\n" + failure->text +
         (search.keep_going ? failing_line(*this) : "");
}

void count_runs(Verdict& verdict) {
  if (!verdict.search.keep_going) {
    const auto failed = std::find_if(verdict.runs.begin(), verdict.runs.end(), [](const auto& run) {
      return run.ending != sim::Ending::passed;
    });
    if (failed != verdict.runs.end()) verdict.runs.erase(failed + 1, verdict.runs.end());
  }
  verdict.schedules = verdict.runs.size();
  verdict.steps = 0;
  for (const SeedRun& run : verdict.runs) verdict.steps += run.steps;
}

std::string to_json(const Verdict& verdict) {
  const SearchIdentity& search = verdict.search;
  std::string out = fmt::format(
      "{{\"format\": \"weft-verdict\", \"format_version\": {}, \"weft\": {}, \"program\": {}, "
      "\"modules\": {}, \"policy\": {}, \"seed\": {}, \"seeds\": {}, \"options\": {}, "
      "\"keep_going\": {}, \"shard\": ",
      kVerdictVersion, json_text(search.weft), json_text(verdict.program),
      modules_json(search.modules), json_text(search.policy), search.seeds.first,
      search.seeds.count, json_text(search.options), search.keep_going);
  out += verdict.part
             ? fmt::format("{{\"index\": {}, \"of\": {}}}", verdict.part->index, verdict.part->of)
             : "null";
  out += fmt::format(
      ", \"schedules\": {}, \"steps\": {}, \"pruned\": {}, \"cut_short\": {}, \"bound\": {}, "
      "\"exhausted\": {}, \"ended_early\": {}, \"seconds\": {:.3f}, \"unexplored\": [{}], "
      "\"coverage\": {}, \"failures\": {}, \"failure\": {}",
      verdict.schedules, verdict.steps, verdict.pruned, verdict.cut_short, verdict.bound,
      verdict.exhausted, verdict.ended_early, verdict.seconds, json_list(verdict.unexplored),
      coverage(verdict), failures(verdict), failure_json(verdict.failure));
  if (verdict.part) out += ", \"runs\": " + runs_json(verdict.runs);
  return out + "}\n";
}

}  // namespace weft::tools
