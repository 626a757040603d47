// SPDX-License-Identifier: Apache-2.0
#include "tools/sim_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <ctime>

#include "sim/quantities.h"
#include "tools/help.h"

namespace weft::tools {
namespace {

constexpr std::int64_t kNsOfSecond = 1'000'000'000;
constexpr std::int64_t kStartMaxS = 9'000'000'000;  // In 2255. Nanoseconds end in 2262.

bool is_same_second(const std::tm& a, const std::tm& b) {
  return a.tm_year == b.tm_year && a.tm_mon == b.tm_mon && a.tm_mday == b.tm_mday &&
         a.tm_hour == b.tm_hour && a.tm_min == b.tm_min && a.tm_sec == b.tm_sec;
}

// 2024-01-31T12:00:00Z, or seconds since 1970.
Result<std::int64_t> read_instant(const std::string& word) {
  std::int64_t seconds = 0;
  std::tm parts{};
  const char* end = ::strptime(word.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (end != nullptr && (*end == '\0' || std::string_view(end) == "Z")) {
    std::tm real = parts;  // timegm makes 2 March of 31 February.
    seconds = ::timegm(&real);
    if (!is_same_second(parts, real)) return Error{"--start: there is no " + word};
  } else {
    const char* last = word.data() + word.size();
    const auto [behind, error] = std::from_chars(word.data(), last, seconds);
    if (behind != last || (error != std::errc() && error != std::errc::result_out_of_range)) {
      return Error{"--start wants a time as 2024-01-31T12:00:00Z, or seconds since 1970, not '" +
                   word + "'"};
    }
    if (error != std::errc()) seconds = -1;
  }
  if (seconds < 0 || seconds > kStartMaxS) {
    return Error{"--start wants a time from 1970 to " + std::to_string(kStartMaxS) +
                 " s later, in 2255, not '" + word + "'"};
  }
  return seconds * kNsOfSecond;
}

std::string policy_names() {
  std::string names;
  for (const sim::PolicyInfo& policy : sim::policies()) {
    names += (names.empty() ? "" : ", ") + std::string(policy.name);
  }
  return names;
}

}  // namespace

void add_sim_options(CLI::App& app, RawSimOptions& raw) {
  const auto group = [](CLI::Option* option) { option->group(kTimeGroup); };
  group(app.add_option("--seed", raw.seed, "Random numbers, select and the policy follow from this")
            ->type_name("NUMBER"));
  group(app.add_option("--policy", raw.policy,
                       "Who runs next: " + policy_names() +
                           ", with\nparameters as in pct:depth=3 (docs/policies.md)")
            ->type_name("NAME"));
  group(app.add_option("--cost", raw.cost,
                       "What a safe point costs in virtual time (default 0; in a search of a\nGo "
                       "program each seed has its own)")
            ->type_name("TIME"));
  group(app.add_option("--jitter", raw.jitter, "The most by which the policy may end a sleep late")
            ->type_name("TIME"));
  group(app.add_option("--start", raw.start,
                       "The date at which virtual time starts (default 2009-11-10T23:00:00Z)")
            ->type_name("DATE"));
  group(app.add_option("--max-time", raw.time_max, "Stop after this much virtual time")
            ->type_name("TIME"));
  group(app.add_option("--max-steps", raw.steps_max,
                       "Stop after so many switches, calls and safe points")
            ->type_name("NUMBER"));
  group(app.add_option(
               "--world", raw.world,
               "The guests, the links between them and what happens when, as a manifest in TOML\n"
               "(docs/simulation.md); instead of modules on the command line")
            ->type_name("FILE"));
  group(app.add_option("--faults", raw.faults,
                       "One in NUMBER calls on files fails with ENOSPC or EIO, by the seed")
            ->type_name("NUMBER"));
}

Result<SimOptions> read_sim_options(const RawSimOptions& raw) {
  SimOptions options;
  options.virtual_time = raw.virtual_time;
  options.trace_hash = raw.trace_hash;
  sim::RunSettings& settings = options.settings;
  const auto duration = [](const char* option, const std::string& word, Duration& to) -> Status {
    if (word.empty()) return Nothing{};
    auto value = read_time(option, word);
    if (!value) return value.error();
    to = *value;
    return Nothing{};
  };
  if (!raw.seed.empty()) {
    auto seed = read_count("--seed", raw.seed);
    if (!seed) return seed.error();
    settings.seed = *(options.seed = *seed);
  }
  if (!raw.policy.empty()) {
    auto policy = sim::parse_policy(raw.policy);
    if (!policy) return Error{"--policy: " + policy.error().message};
    settings.policy = *(options.policy = *policy);
  }
  if (Status ok = duration("--cost", raw.cost, settings.cost); !ok) return ok.error();
  if (Status ok = duration("--jitter", raw.jitter, settings.lateness); !ok) return ok.error();
  if (Status ok = duration("--max-time", raw.time_max, settings.time_max); !ok) return ok.error();
  if (!raw.start.empty()) {
    auto start = read_instant(raw.start);
    if (!start) return start.error();
    settings.realtime_start = *start;
  }
  // Within what the guests' wall clock can tell.
  const Duration left{INT64_MAX - settings.realtime_start - kNsOfSecond};
  settings.time_max = std::min(settings.time_max, left);
  if (!raw.steps_max.empty()) {
    auto steps = read_count("--max-steps", raw.steps_max);
    if (!steps) return steps.error();
    settings.steps_max = *steps;
  }
  settings.schedtrace.detail = raw.scheddetail;
  if (Status ok = duration("--schedtrace", raw.schedtrace, settings.schedtrace.period); !ok) {
    return ok.error();
  }
  if (!raw.schedtrace.empty() && settings.schedtrace.period < milliseconds(1)) {
    return Error{"--schedtrace wants 1ms or more, not '" + raw.schedtrace + "'"};
  }
  if (!raw.faults.empty()) {
    auto faults = read_count("--faults", raw.faults, 0, UINT32_MAX);
    if (!faults) return faults.error();
    settings.fault_one_in = static_cast<std::uint32_t>(*faults);
  }
  return options;
}

}  // namespace weft::tools
