// SPDX-License-Identifier: Apache-2.0
#include "tools/test_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <tuple>

#include "base/printable.h"
#include "sim/quantities.h"
#include "tools/command_line.h"
#include "tools/guest_options.h"
#include "tools/modules.h"
#include "tools/nats_options.h"

namespace weft::tools {
namespace {

constexpr std::uint64_t kStepsMax = 1'000'000;
constexpr Duration kTimeMax = seconds(3600);
constexpr Duration kLateness = milliseconds(1);
constexpr Duration kScheduleLimit = seconds(60);
constexpr std::uint64_t kSeeds = 100;
constexpr std::uint64_t kJobsMax = 64;

constexpr GuestCommand kTest = {
    "test",
    "Runs guests in many schedules, in virtual time, until one fails; then writes a replay file.\n"
    "weft test [options] guest.wasm [args] [::: [options] guest.wasm [args]]...\n"
    "weft test --merge FILES",
    kGib, false};

// What CLI11 fills in.
struct RawTest {
  std::string seeds;
  std::string bound;
  std::string jobs;
  std::string schedule_limit;
  std::string search_limit;
  bool dfs = false;
  bool once = false;
  bool no_reduction = false;
  bool leaks = false;
  std::string shard;
  std::string parts;
  // For the help: expand_go_test() and test_merge() have taken them away.
  std::string go;
  std::vector<std::string> merge;
};

void add_test_options(CLI::App& app, RawTest& raw, TestOptions& options) {
  const auto in_group = [](CLI::Option* option) { option->group(kSearchGroup); };
  in_group(app.add_option(
                  "--seeds", raw.seeds,
                  "How many schedules at most (default 100), or from which seed to which: 1..5000")
               ->type_name("NUMBER"));
  in_group(app.add_option("--shard", raw.shard,
                          "Run part I of N of the seeds; --json keeps what it found for --merge")
               ->type_name("I/N"));
  in_group(app.add_option("--merge", raw.merge,
                          "Put the parts of a search together: weft test --merge FILES")
               ->type_name("FILES"));
  add_nats_options(app, options.nats, kSearchGroup);
  in_group(app.add_option("--parts", raw.parts,
                          "--nats: into how many parts (default: as many as take 2 s each)")
               ->type_name("NUMBER"));
  in_group(app.add_flag("--keep-going", options.keep_going,
                        "Run all seeds, also when one has failed, and name all that fail"));
  in_group(app.add_flag("--dfs", raw.dfs, "Search depth first instead of by seeds"));
  in_group(
      app.add_option("--bound", raw.bound, "--dfs: deviations from fifo in a schedule (default 2)")
          ->type_name("NUMBER"));
  in_group(app.add_flag("--no-reduction", raw.no_reduction, "--dfs: leave out no branch"));
  in_group(app.add_option("--jobs", raw.jobs, "Processes that work in parallel (default 1)")
               ->type_name("NUMBER"));
  in_group(app.add_option("--schedule-limit", raw.schedule_limit,
                          "A schedule that takes longer, in real time, fails (default 60s)")
               ->type_name("TIME"));
  in_group(app.add_option("--search-limit", raw.search_limit,
                          "End the search after this much real time, also while a failing "
                          "schedule is made smaller (default: none)")
               ->type_name("TIME"));
  in_group(
      app.add_option("--go", raw.go,
                     "Build this Go package's tests and run them: --go ./pkg -run TestX; or a\n"
                     "test binary that is there. With --leaks")
          ->type_name("PACKAGE"));
  in_group(app.add_flag("--leaks,!--no-leaks", raw.leaks,
                        "Fail when goroutines are blocked for ever after main has ended"));
  in_group(app.add_flag("--once", raw.once, "Don't run each schedule twice to compare"));
  in_group(
      app.add_option("--expect", options.expected_file, "What stdout must be")->type_name("FILE"));
  in_group(
      app.add_option("--stdin", options.input_file, "What the guests read")->type_name("FILE"));
  in_group(
      app.add_option("--empty-dir", options.empty_dirs,
                     "Give the guests one directory under this name, empty in each run; repeatable")
          ->type_name("GUEST")
          ->allow_extra_args(false));
  in_group(
      app.add_option("--replay", options.replay_file,
                     "Where a failing schedule goes (default: the first module's name + .replay)")
          ->type_name("FILE"));
  in_group(
      app.add_option("--json", options.json_file, "Write the result as JSON")->type_name("FILE"));
  in_group(app.add_option("--junit", options.junit_file, "Write the result as JUnit XML")
               ->type_name("FILE"));
}

// "1000": so many from --seed on. "1..5000": from the first to the last.
Result<SeedRange> read_seeds(const RawTest& raw, const SimOptions& sim) {
  const std::string& word = raw.seeds;
  const std::uint64_t first = sim.settings.seed;
  const std::size_t dots = word.find("..");
  if (dots == std::string::npos) {
    auto count = word.empty() ? Result<std::uint64_t>(kSeeds) : read_count("--seeds", word, 1);
    if (!count) return count.error();
    if (!raw.dfs && *count - 1 > UINT64_MAX - first) {  // --dfs has one seed.
      return Error{"--seeds: " + std::to_string(*count) + " seeds from --seed " +
                   std::to_string(first) + " on go past the last one; there are " +
                   std::to_string(UINT64_MAX - first + 1) + " at most"};
    }
    return SeedRange{first, *count};
  }
  if (sim.seed)
    return Error{"--seeds " + printable(word) + " names the first seed, and so does --seed"};
  auto from = read_count("--seeds", word.substr(0, dots));
  if (!from) return from.error();
  auto to = read_count("--seeds", word.substr(dots + 2), *from, UINT64_MAX - 1);
  if (!to) return to.error();
  return SeedRange{*from, *to - *from + 1};
}

// --shard and what does not go with it.
Status read_part(const RawTest& raw, TestOptions& options) {
  if (raw.dfs && options.keep_going) return Error{"--keep-going does not go with --dfs"};
  if (raw.shard.empty()) return Nothing{};
  if (raw.dfs) return Error{"--shard does not go with --dfs: one process does it"};
  const std::size_t slash = raw.shard.find('/');
  if (slash == std::string::npos) {
    return Error{"--shard wants a part and how many there are, as 2/8, not '" +
                 printable(raw.shard) + "'"};
  }
  auto of = read_count("--shard: the number of parts", raw.shard.substr(slash + 1), 1,
                       options.whole.count);
  if (!of) return of.error();
  auto index = read_count("--shard: the part", raw.shard.substr(0, slash), 1, *of);
  if (!index) return index.error();
  options.part = Part{*index, *of};
  return Nothing{};
}

// --nats and what belongs to it.
Status read_nats(const RawTest& raw, TestOptions& options) {
  if (Status ok = check_nats_options(options.nats); !ok) return ok;
  if (raw.parts.empty()) return Nothing{};
  if (options.nats.url.empty()) return Error{"--parts needs --nats"};
  auto parts = read_count("--parts", raw.parts, 1, std::min(options.whole.count, kPartsMax));
  if (!parts) return parts.error();
  options.parts = *parts;
  return Nothing{};
}

// Takes over the numbers. The error names the option.
Status finish(const RawTest& raw, const RawSimOptions& sim, TestOptions& options) {
  sim::ExploreOptions& explore = options.explore;
  const auto number = [](const char* option, const std::string& word, std::uint64_t min,
                         std::uint64_t max, auto& to) -> Status {
    if (word.empty()) return Nothing{};
    auto value = read_count(option, word, min, max);
    if (!value) return value.error();
    to = static_cast<std::remove_reference_t<decltype(to)>>(*value);
    return Nothing{};
  };
  const auto whole = read_seeds(raw, options.run.sim);
  if (!whole) return whole.error();
  options.whole = *whole;
  if (Status ok = number("--bound", raw.bound, 0, UINT32_MAX, explore.bound); !ok) return ok;
  if (Status ok = number("--jobs", raw.jobs, 1, kJobsMax, options.jobs); !ok) return ok;
  if (!raw.bound.empty() && !raw.dfs) return Error{"--bound needs --dfs"};
  if (raw.no_reduction && !raw.dfs) return Error{"--no-reduction needs --dfs"};
  if (!raw.jobs.empty() && raw.dfs)
    return Error{"--jobs does not go with --dfs: one process does it"};
  if (!sim.policy.empty() && raw.dfs) {
    return Error{"--policy does not go with --dfs, which takes every decision itself"};
  }
  options.run.leaks = raw.leaks;
  if (raw.leaks && (options.run.guests.size() != 1 || options.run.guests.front().copies != 1)) {
    return Error{"--leaks is for one guest: others would see it go on when its main has ended"};
  }
  explore.dfs = raw.dfs;
  explore.twice = !raw.once;
  explore.reduce = !raw.no_reduction;
  explore.settings = options.run.sim.settings;
  explore.settings.seed = options.whole.first;
  explore.seeds = options.whole.count;
  if (Status ok = read_part(raw, options); !ok) return ok;
  if (Status ok = read_nats(raw, options); !ok) return ok;
  if (!options.run.sim.policy) explore.settings.policy.name = "random";
  if (sim.steps_max.empty()) explore.settings.steps_max = kStepsMax;
  if (sim.time_max.empty()) explore.settings.time_max = kTimeMax;
  if (sim.jitter.empty()) explore.settings.lateness = kLateness;
  options.cost_given = !sim.cost.empty();
  explore.settings.patience = kScheduleLimit;
  for (const auto& [option, word, to] :
       {std::tuple{"--schedule-limit", &raw.schedule_limit, &explore.settings.patience},
        std::tuple{"--search-limit", &raw.search_limit, &options.search_limit}}) {
    if (word->empty()) continue;
    auto limit = read_time(option, *word);
    if (!limit) return limit.error();
    *to = *limit;
  }
  options.replay_given = !options.replay_file.empty();
  if (!options.replay_given) {
    const std::string& path = options.run.program();
    options.replay_file = path.substr(path.find_last_of('/') + 1);
    if (options.part) {
      options.replay_file += fmt::format(".{}-of-{}", options.part->index, options.part->of);
    }
    options.replay_file += ".replay";
  }
  return Nothing{};
}

}  // namespace

std::variant<TestOptions, ExitNow> parse_test(const std::vector<std::string>& args) {
  TestOptions options;
  RawTest raw;
  RawOptions common;
  common.sim.virtual_time = true;
  auto wrong = parse_guests(kTest, args, options.run, common,
                            [&](CLI::App& app) { add_test_options(app, raw, options); });
  if (wrong) return *wrong;
  for (const GuestSpec& guest : options.run.guests) {
    if (guest.module_path != kStdinModule) continue;
    return wrong_use(kTest.name,
                     "it loads modules again and again, so they must be files; not '-'");
  }
  if (!common.unrecorded.empty()) {
    return wrong_use(kTest.name, "a replay file does not keep " + common.unrecorded +
                                     "; of the limits it keeps --memory and --fuel");
  }
  if (Status ok = finish(raw, common.sim, options); !ok)
    return wrong_use(kTest.name, ok.error().message);
  return options;
}

CommandHelp test_help() {
  RawTest raw;
  TestOptions options;
  return help_of(kTest, [&](CLI::App& app) { add_test_options(app, raw, options); });
}

}  // namespace weft::tools
