// SPDX-License-Identifier: Apache-2.0
#include "tools/test_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <variant>

#include "base/printable.h"
#include "signals/fault.h"
#include "tools/command_line.h"
#include "tools/engines.h"
#include "tools/exit_codes.h"
#include "tools/go_guest.h"
#include "tools/go_test.h"
#include "tools/guest_options.h"
#include "tools/guest_setups.h"
#include "tools/messages.h"
#include "tools/noted_signals.h"
#include "tools/output_files.h"
#include "tools/quantities.h"
#include "tools/recorded_guests.h"
#include "tools/search_folder.h"
#include "tools/search_progress.h"
#include "tools/test_reports.h"
#include "tools/test_workers.h"
#include "tools/whole_file.h"

namespace weft::tools {
namespace {

constexpr int kExitFailing = 1;
constexpr std::uint64_t kStepsMax = 1'000'000;
constexpr Duration kTimeMax = seconds(3600);
constexpr Duration kLateness = milliseconds(1);
constexpr Duration kScheduleLimit = seconds(60);
constexpr std::uint64_t kSeeds = 100;
constexpr std::uint64_t kJobsMax = 64;

constexpr GuestCommand kTest = {
    "test",
    "Runs guests in many schedules, in virtual time, until one fails; then writes a replay file.\n"
    "weft test [options] guest.wasm [args] [::: [options] guest.wasm [args]]...",
    kGib, false};

struct TestOptions {
  RunOptions run;  // The guests and the simulation.
  sim::ExploreOptions explore;
  bool cost_given = false;  // --cost
  unsigned jobs = 1;
  Duration search_limit;      // In real time; 0: none.
  std::string input_file;     // Of stdin; empty: nothing.
  std::string expected_file;  // Of stdout; empty: anything.
  std::string replay_file;    // Where a failing schedule goes; empty: MODULE.replay.
  std::string json_file;
  std::string junit_file;
  std::vector<std::string> empty_dirs;  // Guest paths of folders that are empty in each run.
};

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
  std::string go;  // For the help: expand_go_test() has taken it away.
};

void add_test_options(CLI::App& app, RawTest& raw, TestOptions& options) {
  const auto in_group = [](CLI::Option* option) { option->group(kSearchGroup); };
  in_group(app.add_option("--seeds", raw.seeds, "How many schedules at most (default 100)")
               ->type_name("NUMBER"));
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
                          "End the search after this much real time (default: none)")
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

// Takes over the numbers. The error names the option.
Status finish(const RawTest& raw, const RawSimOptions& sim, TestOptions& options) {
  sim::ExploreOptions& explore = options.explore;
  explore.seeds = kSeeds;
  const auto number = [](const char* option, const std::string& word, std::uint64_t min,
                         std::uint64_t max, auto& to) -> Status {
    if (word.empty()) return Nothing{};
    auto value = read_count(option, word, min, max);
    if (!value) return value.error();
    to = static_cast<std::remove_reference_t<decltype(to)>>(*value);
    return Nothing{};
  };
  if (Status ok = number("--seeds", raw.seeds, 1, UINT64_MAX, explore.seeds); !ok) return ok;
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
  if (options.replay_file.empty()) {
    const std::string& path = options.run.program();
    options.replay_file = path.substr(path.find_last_of('/') + 1) + ".replay";
  }
  return Nothing{};
}

// A test of one program: what its runs have in common, and what has come of them.
class Test {
 public:
  explicit Test(const TestOptions& options) : options_(options), explore_(options.explore) {}

  Status prepare() {
    if (Status loaded = load(); !loaded) return loaded;
    settings_.copy_folders = true;
    settings_.leaks = options_.run.leaks;
    settings_.world = &options_.run.world;
    if (!options_.input_file.empty()) {
      auto input = read_whole_file(options_.input_file);
      if (!input) return Error{"--stdin: " + input.error().message};
      settings_.input = *input;
    }
    if (!options_.expected_file.empty()) {
      auto expected = read_whole_file(options_.expected_file);
      if (!expected) return Error{"--expect: " + expected.error().message};
      expected_ = *expected;
      settings_.expected = &expected_;
    }
    explore_.settings.draws_cost = draws_cost();
    static_cast<sim::RunSettings&>(settings_) = explore_.settings;
    tell_unexplored();
    return Nothing{};
  }

  // Can all guests be made? One step of a run tells.
  Status try_out() {
    sim::GuestRunSettings one_step = settings_;
    one_step.steps_max = 1;
    if (auto tried = sim::run_guests(loaded_->guests, one_step); !tried) return tried.error();
    return Nothing{};
  }

  Result<sim::ExploreReport> search() {
    const sim::RunOnce once = [this](const sim::RunSettings& settings) {
      NotedSignals::check();
      return run(settings);
    };
    SearchProgress progress(explore_.seeds, options_.search_limit);
    if (explore_.dfs) {
      explore_.goes_on = [&progress](const sim::ExploreReport& so_far) {
        progress.show(so_far.schedules);
        return !progress.time_is_over();
      };
      return sim::explore(once, explore_);
    }
    sim::tell_steps(once, explore_.settings);
    const auto in_worker = [this, &once]() -> Result<sim::RunOnce> {
      // Not destroyed: what belongs to the parent is not to be given back.
      std::unique_ptr<Loaded> of_parent = std::move(loaded_);
      Status loaded = load();
      (void)of_parent.release();
      if (!loaded) return loaded.error();
      return once;
    };
    auto found = search_seeds(in_worker, explore_, options_.jobs, progress);
    if (!found) return found.error();
    sim::ExploreReport report(explore_);
    report.schedules = found->schedules;
    report.steps = found->steps;
    report.ended_early = found->ended_early;
    if (!found->failing_seed) return report;
    // A search of this one seed minimises it, and is what a replay file is made of.
    sim::ExploreOptions one = explore_;
    one.seeds = 1;
    one.settings.seed = *found->failing_seed;
    sim::ExploreReport again = sim::explore(once, one);
    report.minimise_runs = again.minimise_runs;
    report.failure = std::move(again.failure);
    if (!report.failure)
      return Error{"seed " + std::to_string(*found->failing_seed) +
                   " failed in a process of its own, and passes in this one"};
    return report;
  }

  Status write_replay(const sim::Failure& failure) const {
    sim::GuestRunSettings settings = settings_;
    static_cast<sim::RunSettings&>(settings) = sim::of_seed(explore_.settings, failure.seed);
    if (failure.record.out_of_patience) settings.steps_max = failure.record.steps_max;
    sim::ReplayFile file = describe_run(settings, failure.record);
    auto guests = describe_guests(options_.run, options_.empty_dirs);
    if (!guests) return guests.error();
    file.guests = std::move(*guests);
    file.engine = options_.run.engine;
    file.world = options_.run.world_text;
    return sim::write_replay(options_.replay_file, file);
  }

  [[nodiscard]] const sim::ExploreOptions& explored() const { return explore_; }

 private:
  struct Loaded {
    explicit Loaded(const RunOptions& run) : loader(make_engine(run.engine, run.engine_options)) {}

    Runtime loader;
    std::vector<sim::GuestSetup> guests;
  };

  Status load() {
    auto loaded = std::make_unique<Loaded>(options_.run);
    auto guests = load_guests(loaded->loader, options_.run);
    if (!guests) return guests.error();
    loaded->guests = std::move(*guests);
    for (sim::GuestSetup& guest : loaded->guests) {
      for (const std::string& dir : options_.empty_dirs) guest.folders.push_back({"", dir});
    }
    loaded_ = std::move(loaded);
    return Nothing{};
  }

  // Where weft does not know Go's runtime, its scheduler is one G to a search.
  void tell_unexplored() {
    std::set<std::string> named;
    for (const GuestSpec& spec : options_.run.guests) {
      const auto is_known = [&spec](const sim::GuestSetup& guest) {
        return guest.module->go != nullptr && spec.module_path.ends_with(guest.module->name);
      };
      if (std::any_of(loaded_->guests.begin(), loaded_->guests.end(), is_known)) continue;
      if (!is_go_module(spec.module_path) || !named.insert(spec.module_path).second) continue;
      explore_.unexplored.push_back("other orders of the goroutines of " + spec.module_path);
    }
    if (!options_.run.leaks) return;
    for (const sim::GuestSetup& guest : loaded_->guests) {
      const std::string& path = options_.run.guests.front().module_path;
      if (guest.go == nullptr) explore_.unexplored.push_back("leaked goroutines of " + path);
    }
  }

  // In Go programs time-outs and work race more than goroutines do.
  [[nodiscard]] bool draws_cost() const {
    const auto is_go = [](const sim::GuestSetup& guest) { return guest.module->go != nullptr; };
    return !options_.cost_given && !explore_.dfs &&
           std::any_of(loaded_->guests.begin(), loaded_->guests.end(), is_go);
  }

  sim::RunRecord run(const sim::RunSettings& with) const {
    sim::GuestRunSettings settings = settings_;
    static_cast<sim::RunSettings&>(settings) = with;
    auto record = sim::run_guests(loaded_->guests, settings);
    if (record) return *record;
    sim::RunRecord failed;
    failed.ending = sim::Ending::failed;
    failed.message = record.error().message;
    return failed;
  }

  const TestOptions& options_;
  sim::ExploreOptions explore_;
  std::unique_ptr<Loaded> loaded_;
  std::string expected_;
  sim::GuestRunSettings settings_;
};

Status check_files(const TestOptions& options) {
  std::vector<NamedFile> inputs = inputs_of(options.run);
  inputs.push_back({"--stdin", options.input_file});
  inputs.push_back({"--expect", options.expected_file});
  return check_distinct({{"--replay", options.replay_file},
                         {"--json", options.json_file},
                         {"--junit", options.junit_file}},
                        inputs);
}

// The result, for people and in files: the exit code.
int tell(const TestOptions& options, const Test& test, const sim::ExploreReport& report) {
  std::fputs(printable_lines(report.text()).c_str(), stdout);
  if (report.failure) {
    if (Status written = test.write_replay(*report.failure); !written) {
      return complain("test", written.error(), kExitNoOutput);
    }
    std::printf("run it again: weft replay %s\n", printable(options.replay_file).c_str());
  }
  if (Status said = flush_stdout(); !said) return complain("test", said.error(), kExitNoOutput);
  const std::string& program = options.run.program();
  if (!options.json_file.empty()) {
    const std::string text = json_report(program, test.explored(), report, options.replay_file);
    if (Status written = write_file(options.json_file, text); !written) {
      return complain("test", written.error(), kExitNoOutput);
    }
  }
  if (!options.junit_file.empty()) {
    const std::string text = junit_report(program, test.explored(), report);
    if (Status written = write_file(options.junit_file, text); !written) {
      return complain("test", written.error(), kExitNoOutput);
    }
  }
  return report.failure ? kExitFailing : 0;
}

// `args` is what follows "test".
std::variant<TestOptions, ExitNow> parse_test(const std::vector<std::string>& args) {
  TestOptions options;
  RawTest raw;
  RawOptions common;
  common.sim.virtual_time = true;
  auto wrong = parse_guests(kTest, args, options.run, common,
                            [&](CLI::App& app) { add_test_options(app, raw, options); });
  if (wrong) return *wrong;
  if (!common.unrecorded.empty()) {
    return wrong_use(kTest.name, "a replay file does not keep " + common.unrecorded +
                                     "; of the limits it keeps --memory and --fuel");
  }
  if (Status ok = finish(raw, common.sim, options); !ok)
    return wrong_use(kTest.name, ok.error().message);
  return options;
}

int run_test(const TestOptions& options) {
  if (Status distinct = check_files(options); !distinct) {
    return complain("test", distinct.error(), kExitUsage);
  }
  signals::FaultHandler faults;
  Test test(options);
  if (Status ready = test.prepare(); !ready) return complain("test", ready.error(), kExitNoModule);
  std::optional<NotedSignals> signals(std::in_place);
  auto folder = SearchFolder::make();
  if (!folder) return complain("test", folder.error(), kExitNoOutput);
  if (Status tried = test.try_out(); !tried) return complain("test", tried.error(), kExitNoModule);
  auto report = test.search();
  folder->reset();
  NotedSignals::check();
  signals.reset();
  if (!report) return complain("test", report.error(), kExitFatal);
  return tell(options, test, *report);
}

}  // namespace

CommandHelp test_help() {
  RawTest raw;
  TestOptions options;
  return help_of(kTest, [&](CLI::App& app) { add_test_options(app, raw, options); });
}

int test_command(const std::vector<std::string>& args) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto words = expand_go_test(args);
  if (!words) return complain("test", words.error(), kExitUsage);
  const auto parsed = parse_test(*words);
  if (const auto* exit = std::get_if<ExitNow>(&parsed)) return print(*exit);
  return run_test(std::get<TestOptions>(parsed));
}

}  // namespace weft::tools
