// SPDX-License-Identifier: Apache-2.0
// Verdicts read from files, and put together: the second half of tools/verdict.h.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/value.hpp>
#include <iterator>

#include "base/printable.h"
#include "control/json.h"
#include "tools/verdict.h"

namespace weft::tools {
namespace {

namespace json = boost::json;
using control::JsonFields;

// As long as a TIME may be: 100 years.
constexpr double kSecondsMax = 100.0 * 366 * 24 * 3600;
constexpr std::size_t kEndings = static_cast<std::size_t>(sim::Ending::leak) + 1;

sim::Ending ending_of(std::string_view word, std::string& wrong) {
  for (std::size_t i = 0; i < kEndings; ++i) {
    if (word == name(static_cast<sim::Ending>(i))) return static_cast<sim::Ending>(i);
  }
  if (wrong.empty()) wrong = "'" + printable(word) + "' is no kind of failure";
  return sim::Ending::failed;
}

std::string bytes_of_hex(const std::string& digits, std::string& wrong) {
  std::string bytes;
  const auto value = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    const int high = value(digits[i]);
    const int low = value(digits[i + 1]);
    if (high < 0 || low < 0) break;
    bytes += static_cast<char>(high * 16 + low);
  }
  if (bytes.size() * 2 != digits.size() && wrong.empty()) {
    wrong = "'replay_file' must be hexadecimal digits";
  }
  return bytes;
}

VerdictFailure read_failure(const json::object& object, std::string& wrong) {
  const JsonFields fields(object, wrong);
  VerdictFailure failure;
  failure.what = {fields.number("seed"), ending_of(fields.text("kind"), wrong)};
  failure.message = fields.text("message");
  failure.hash = fields.hex("hash");
  failure.found_with = fields.number("found_with");
  failure.schedule.decisions = fields.number("decisions");
  failure.text = fields.text("text");
  failure.replay_path = fields.text("replay");
  failure.replay = bytes_of_hex(fields.text("replay_file"), wrong);
  for (const json::value& value : fields.array("deviations")) {
    static const json::object none;
    const JsonFields deviation(value.is_object() ? value.get_object() : none, wrong);
    const std::string choice = deviation.text("choice");
    sim::Decision decision{};
    std::size_t which = 0;
    while (which < sim::kChoices && choice != name(static_cast<sim::Choice>(which))) ++which;
    if (which == sim::kChoices) deviation.say_wrong("choice", "a choice that this weft knows");
    decision.choice = static_cast<sim::Choice>(which % sim::kChoices);
    decision.options = static_cast<std::uint32_t>(deviation.number("options"));
    decision.taken = static_cast<std::uint32_t>(deviation.number("taken"));
    failure.schedule.deviations.push_back({deviation.number("at"), decision});
  }
  return failure;
}

// A row: [seed, steps, decisions, deviations, "order", "kind"].
SeedRun read_run(const json::value& value, std::string& wrong) {
  constexpr std::size_t kColumns = 6;
  SeedRun run;
  if (!value.is_array() || value.get_array().size() != kColumns) {
    if (wrong.empty()) wrong = "a row of 'runs' must have 6 columns";
    return run;
  }
  const json::array& row = value.get_array();
  const json::object named = {{"seed", row[0]},       {"steps", row[1]}, {"decisions", row[2]},
                              {"deviations", row[3]}, {"order", row[4]}, {"kind", row[5]}};
  const JsonFields fields(named, wrong);
  run.seed = fields.number("seed");
  run.steps = fields.number("steps");
  run.decisions = fields.number("decisions");
  run.deviations = fields.number("deviations");
  run.order = fields.hex("order");
  run.ending = ending_of(fields.text("kind"), wrong);
  return run;
}

SearchIdentity read_identity(const JsonFields& fields, std::string& wrong) {
  SearchIdentity search;
  search.weft = fields.text("weft");
  search.policy = fields.text("policy");
  search.seeds = {fields.number("seed"), fields.number("seeds")};
  search.options = fields.sha256("options");
  search.keep_going = fields.flag("keep_going");
  for (const json::value& value : fields.array("modules")) {
    static const json::object none;
    const JsonFields module(value.is_object() ? value.get_object() : none, wrong);
    search.modules.push_back({module.text("name"), module.sha256("sha256")});
  }
  return search;
}

Error missing_part(std::uint64_t part, std::uint64_t of) {
  return Error{
      fmt::format("part {} of {} is missing: run it with --shard {}/{}", part, of, part, of)};
}

// Are these parts of one search, each at most once? Ascending.
Status check_parts(const std::vector<NamedVerdict>& parts) {
  const NamedVerdict& first = parts.front();
  for (const NamedVerdict& part : parts) {
    const std::string differs = difference(first.verdict.search, part.verdict.search);
    if (!differs.empty()) {
      return Error{first.name + " and " + part.name + " are of two searches: " + differs};
    }
    if (part.verdict.part->of != first.verdict.part->of) {
      return Error{first.name + " is one of " + std::to_string(first.verdict.part->of) +
                   " parts, and " + part.name + " one of " + std::to_string(part.verdict.part->of)};
    }
  }
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::uint64_t index = parts[i].verdict.part->index;
    if (index == parts[i - 1].verdict.part->index) {
      return Error{"part " + std::to_string(index) + " is there twice: " + parts[i - 1].name +
                   " and " + parts[i].name};
    }
  }
  return Nothing{};
}

// The first part that is missing; 0: none. Behind the first failure nothing is, when it may be so.
std::uint64_t first_missing(const std::vector<NamedVerdict>& parts, bool behind_failure) {
  const bool failure_ends = behind_failure && !parts.front().verdict.search.keep_going;
  std::uint64_t next = 1;
  for (const NamedVerdict& part : parts) {
    if (part.verdict.part->index != next) return next;
    if (failure_ends && part.verdict.failure) return 0;
    ++next;
  }
  return next <= parts.front().verdict.part->of ? next : 0;
}

// A line of a part is one of the whole, once: a part may have had a longer run than the first.
void add_unexplored(std::vector<std::string>& whole, const std::vector<std::string>& part) {
  for (const std::string& line : part) {
    if (std::find(whole.begin(), whole.end(), line) == whole.end()) whole.push_back(line);
  }
}

}  // namespace

Result<Verdict> read_verdict(std::string_view text) {
  auto object = control::read_object(text);
  if (!object) return object.error();
  std::string wrong;
  const JsonFields fields(*object, wrong);
  if (fields.text("format") != "weft-verdict") return Error{"no verdict of weft test --json"};
  const std::uint64_t version = fields.number("format_version");
  if (version != kVerdictVersion) {
    return Error{"a verdict of version " + std::to_string(version) + "; this weft reads version " +
                 std::to_string(kVerdictVersion)};
  }
  Verdict verdict;
  verdict.program = fields.text("program");
  if (verdict.program.find('\0') != std::string::npos) fields.say_wrong("program", "a path");
  verdict.search = read_identity(fields, wrong);
  if (fields.has("shard")) {
    const JsonFields shard(fields.object("shard"), wrong);
    verdict.part = Part{shard.number("index"), shard.number("of")};
  }
  verdict.schedules = fields.number("schedules");
  verdict.steps = fields.number("steps");
  verdict.pruned = fields.number("pruned");
  verdict.cut_short = fields.number("cut_short");
  verdict.bound = fields.number("bound");
  verdict.exhausted = fields.flag("exhausted");
  verdict.ended_early = fields.flag("ended_early");
  verdict.seconds = fields.real("seconds", kSecondsMax);
  for (const json::value& line : fields.array("unexplored")) {
    if (line.is_string()) verdict.unexplored.emplace_back(line.get_string());
  }
  if (fields.has("failure")) verdict.failure = read_failure(fields.object("failure"), wrong);
  if (verdict.part) {
    for (const json::value& row : fields.array("runs")) {
      verdict.runs.push_back(read_run(row, wrong));
      if (!wrong.empty()) break;
    }
  }
  if (!wrong.empty()) return Error{"a damaged verdict: " + wrong};
  return verdict;
}

// Are the rows those of the part, each once and in order, up to where it stopped?
std::string wrong_with_part(const Verdict& verdict) {
  if (!verdict.part) return "it is the verdict of a whole search, and no part of one";
  const Part& part = *verdict.part;
  if (part.index < 1 || part.index > part.of || part.of > verdict.search.seeds.count) {
    return "there is no such part";
  }
  if (verdict.search.seeds.count - 1 > UINT64_MAX - verdict.search.seeds.first) {
    return "its seeds go past the last one";
  }
  const SeedRange range = range_of(part, verdict.search.seeds);
  std::uint64_t next = range.first;
  for (const SeedRun& run : verdict.runs) {
    const bool fits = verdict.ended_early ? run.seed >= next : run.seed == next;
    if (!fits || run.seed - range.first >= range.count) return "its rows are not those of its part";
    next = run.seed + 1;
  }
  const bool has_failed = verdict.failure.has_value();
  if (!verdict.ended_early && (!has_failed || verdict.search.keep_going) &&
      verdict.runs.size() != range.count) {
    return "rows are missing";
  }
  const auto row = std::find_if(verdict.runs.begin(), verdict.runs.end(),
                                [](const auto& run) { return run.ending != sim::Ending::passed; });
  const bool row_fails = row != verdict.runs.end();
  if (row_fails != has_failed) return "its rows and its failure do not agree";
  if (row_fails &&
      (row->seed != verdict.failure->what.seed || row->ending != verdict.failure->what.ending)) {
    return "its failure is not that of its first row that fails";
  }
  return "";
}

std::string difference(const SearchIdentity& a, const SearchIdentity& b) {
  const auto both = [](const std::string& what, const std::string& x, const std::string& y) {
    return "another " + what + ": " + printable(x) + " and " + printable(y);
  };
  if (a.weft != b.weft) return both("version of weft", a.weft, b.weft);
  for (std::size_t i = 0; i < std::max(a.modules.size(), b.modules.size()); ++i) {
    if (i >= a.modules.size() || i >= b.modules.size()) return "another number of modules";
    if (a.modules[i] == b.modules[i]) continue;
    const auto text = [](const auto& m) { return m.name + " (" + m.sha256.substr(0, 12) + ")"; };
    return both("module", text(a.modules[i]), text(b.modules[i]));
  }
  if (a.policy != b.policy) return both("policy", a.policy, b.policy);
  const auto seeds = [](const SeedRange& range) {
    return std::to_string(range.first) + ".." + std::to_string(range.first + range.count - 1);
  };
  if (seeds(a.seeds) != seeds(b.seeds))
    return both("range of seeds", seeds(a.seeds), seeds(b.seeds));
  if (a.keep_going != b.keep_going) return "one with --keep-going and one without";
  if (a.options != b.options) return "other options, variables, arguments or files";
  return "";
}

Result<Verdict> merge(std::vector<NamedVerdict> parts, Missing may_be_missing) {
  if (parts.empty()) return Error{"no verdicts given"};
  for (const NamedVerdict& part : parts) {
    if (const std::string wrong = wrong_with_part(part.verdict); !wrong.empty()) {
      return Error{part.name + ": " + wrong};
    }
  }
  std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) {
    return a.verdict.part->index < b.verdict.part->index;
  });
  if (Status fit = check_parts(parts); !fit) return fit.error();
  const std::uint64_t missing = first_missing(parts, may_be_missing != Missing::none);
  if (missing != 0 && may_be_missing != Missing::any) {
    return missing_part(missing, parts.front().verdict.part->of);
  }
  Verdict whole = std::move(parts.front().verdict);
  whole.part.reset();
  for (std::size_t i = 1; i < parts.size(); ++i) {
    Verdict& part = parts[i].verdict;
    whole.seconds += part.seconds;
    // What comes behind the first failure is no part of the answer.
    if (whole.failure && !whole.search.keep_going) continue;
    whole.ended_early = whole.ended_early || part.ended_early;
    add_unexplored(whole.unexplored, part.unexplored);
    if (!whole.failure) whole.failure = std::move(part.failure);
    whole.runs.insert(whole.runs.end(), part.runs.begin(), part.runs.end());
  }
  whole.ended_early = whole.ended_early || missing != 0;
  count_runs(whole);
  return whole;
}

}  // namespace weft::tools
