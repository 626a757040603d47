// SPDX-License-Identifier: Apache-2.0
#include "tools/program_search.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "base/printable.h"
#include "base/sha256.h"
#include "tools/engines.h"
#include "tools/go_guest.h"
#include "tools/guest_setups.h"
#include "tools/noted_signals.h"
#include "tools/recorded_guests.h"
#include "tools/test_workers.h"
#include "tools/whole_file.h"

namespace weft::tools {
namespace {

std::string file_name(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

Verdict verdict_of(const sim::ExploreReport& report) {
  Verdict verdict;
  verdict.bound = report.bound;
  verdict.schedules = report.schedules;
  verdict.steps = report.steps;
  verdict.pruned = report.pruned;
  verdict.cut_short = report.cut_short;
  verdict.exhausted = report.exhausted;
  verdict.ended_early = report.ended_early;
  verdict.unexplored = report.unexplored;
  return verdict;
}

std::uint64_t longest_passed(const std::vector<SeedRun>& runs) {
  std::uint64_t longest = 0;
  for (const SeedRun& run : runs) {
    if (run.ending == sim::Ending::passed) longest = std::max(longest, run.steps);
  }
  return longest;
}

}  // namespace

struct ProgramSearch::Loaded {
  explicit Loaded(const RunOptions& run) : loader(make_engine(run.engine, run.engine_options)) {}

  Runtime loader;
  std::vector<sim::GuestSetup> guests;
};

ProgramSearch::ProgramSearch(const TestOptions& options)
    : options_(options), explore_(options.explore) {}

ProgramSearch::~ProgramSearch() = default;

Status ProgramSearch::prepare() {
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
  // In Go programs time-outs and work race more than goroutines do, and correct ones poll.
  if (explore_.dfs) explore_.settings.policy = {};  // As its runs have it, and its replay file.
  explore_.settings.searches_go = !explore_.dfs && has_go_guest();
  explore_.settings.draws_cost = explore_.settings.searches_go && !options_.cost_given;
  static_cast<sim::RunSettings&>(settings_) = explore_.settings;
  tell_unexplored();
  return Nothing{};
}

Status ProgramSearch::try_out() {
  sim::GuestRunSettings one_step = settings_;
  one_step.steps_max = 1;
  if (auto tried = sim::run_guests(loaded_->guests, one_step); !tried) return tried.error();
  return Nothing{};
}

Result<Verdict> ProgramSearch::search() {
  const auto begun = std::chrono::steady_clock::now();
  Verdict verdict;
  has_found_ = false;
  const Status searched = explore_.dfs ? search_depth_first(verdict) : search_by_seeds(verdict);
  if (!searched) return searched.error();
  verdict.program = options_.run.program();
  verdict.part = options_.part;
  verdict.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  if (!options_.json_file.empty()) {
    auto identity = this->identity();
    if (!identity) return identity.error();
    verdict.search = std::move(*identity);
  }
  verdict.search.keep_going = options_.keep_going;
  return verdict;
}

Status ProgramSearch::search_depth_first(Verdict& verdict) {
  SearchProgress progress(explore_.seeds, options_.search_limit);
  explore_.goes_on = [&progress](const sim::ExploreReport& so_far) {
    progress.show(so_far.schedules);
    return !progress.time_is_over();
  };
  explore_.minimising_goes_on = minimising_within(progress);
  const auto once = [this](const sim::RunSettings& settings) { return run_noted(settings); };
  const sim::ExploreReport report = sim::explore(once, explore_);
  verdict = verdict_of(report);
  if (report.failure) verdict.failure = failure_of(*report.failure);
  return Nothing{};
}

Status ProgramSearch::search_by_seeds(Verdict& verdict) {
  const sim::RunOnce once = [this](const sim::RunSettings& settings) {
    return run_noted(settings);
  };
  complete_policy();
  sim::ExploreOptions part = explore_;
  if (options_.part) {
    const SeedRange range = range_of(*options_.part, options_.whole);
    part.settings.seed = range.first;
    part.seeds = range.count;
  }
  SearchProgress progress(part.seeds, options_.search_limit);
  const auto in_worker = [this, &once]() -> Result<sim::RunOnce> {
    // Not destroyed: what belongs to the parent is not to be given back.
    std::unique_ptr<Loaded> of_parent = std::move(loaded_);
    Status loaded = load();
    (void)of_parent.release();
    if (!loaded) return loaded.error();
    return once;
  };
  const SearchKind kind{options_.jobs, options_.keep_going, options_.keeps_runs()};
  auto found = search_seeds(in_worker, part, kind, progress);
  if (!found) return found.error();
  verdict = verdict_of(sim::ExploreReport(part));
  verdict.schedules = found->schedules;
  verdict.steps = found->steps;
  verdict.ended_early = found->ended_early;
  verdict.runs = std::move(found->runs);
  if (!verdict.runs.empty()) {
    verdict.search.keep_going = options_.keep_going;
    count_runs(verdict);
  }
  tell_unexplored(verdict, found->longest, found->leaks_undecided);
  if (!found->failing_seed) return Nothing{};
  auto failure = minimised(*found->failing_seed, progress);
  if (!failure) return failure.error();
  verdict.failure = std::move(*failure);
  // A run that real time ends may end otherwise here than in its worker.
  for (SeedRun& run : verdict.runs) {
    if (run.seed == *found->failing_seed) run.ending = verdict.failure->what.ending;
  }
  return Nothing{};
}

// By the first seed of all: the same in each part.
void ProgramSearch::complete_policy() {
  sim::tell_steps([this](const sim::RunSettings& settings) { return run_noted(settings); },
                  explore_.settings);
}

double ProgramSearch::seconds_a_seed() const {
  using Clock = std::chrono::steady_clock;
  constexpr double kEnough = 0.3;
  constexpr std::uint64_t kSeedsMax = 200;
  const auto once = [this](const sim::RunSettings& settings) { return run_noted(settings); };
  const Clock::time_point begun = Clock::now();
  double seconds = 0;
  std::uint64_t seeds = 0;
  while (seconds < kEnough && seeds < std::min(options_.whole.count, kSeedsMax)) {
    const auto settings = sim::of_seed(explore_.settings, options_.whole.first + seeds++);
    (void)sim::run_checked(once, settings, explore_.twice);
    seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  }
  return seconds / static_cast<double>(seeds);
}

Status ProgramSearch::adopt(Verdict& verdict) const {
  verdict.program = options_.run.program();
  const auto& told = verdict.unexplored;
  const bool leaks_undecided =
      std::find(told.begin(), told.end(), sim::kLeaksUndecided) != told.end();
  tell_unexplored(verdict, 0, leaks_undecided);
  if (!verdict.failure) return Nothing{};
  auto file = sim::decode(verdict.failure->replay);
  if (!file) return Error{"a worker's replay file: " + file.error().message};
  auto guests = describe_guests(options_.run, options_.empty_dirs);
  if (!guests) return guests.error();
  file->guests = std::move(*guests);
  file->engine = options_.run.engine;
  verdict.failure->replay = sim::encode(*file);
  if (Status written = sim::write_replay(options_.replay_file, *file); !written) return written;
  verdict.failure->replay_path = options_.replay_file;
  return Nothing{};
}

// A search of this one seed minimises it, and is what a replay file is made of.
Result<VerdictFailure> ProgramSearch::minimised(std::uint64_t seed, SearchProgress& progress) {
  has_found_ = true;
  sim::ExploreOptions one = explore_;
  one.minimising_goes_on = minimising_within(progress);
  one.seeds = 1;
  one.settings.seed = seed;
  const auto once = [this](const sim::RunSettings& settings) { return run_noted(settings); };
  const sim::ExploreReport again = sim::explore(once, one);
  if (!again.failure) {
    return Error{"seed " + std::to_string(seed) +
                 " failed in a process of its own, and passes in this one"};
  }
  return failure_of(*again.failure);
}

std::function<bool(std::uint64_t, std::size_t)> ProgramSearch::minimising_within(
    SearchProgress& progress) {
  return [this, &progress](std::uint64_t runs, std::size_t deviations) {
    has_found_ = true;
    progress.show_minimising(runs, explore_.minimise_runs_max, deviations);
    return !progress.time_is_over() && !NotedSignals::has_come();
  };
}

VerdictFailure ProgramSearch::failure_of(const sim::Failure& failure) {
  found_ = failure;
  VerdictFailure said;
  said.what = {failure.seed, failure.record.ending};
  said.message = failure.record.message;
  said.hash = failure.record.hash;
  said.found_with = failure.found_with;
  said.schedule = failure.record.schedule;
  said.text = as_utf8(printable_lines(sim::text_of(failure)));
  return said;
}

Status ProgramSearch::write_replay(VerdictFailure& failure) const {
  sim::GuestRunSettings settings = settings_;
  const sim::RunRecord& record = found_->record;
  static_cast<sim::RunSettings&>(settings) = sim::of_seed(explore_.settings, found_->seed);
  if (record.out_of_patience) settings.steps_max = record.steps_max;
  auto file = described(settings, record);
  if (!file) return file.error();
  failure.replay = sim::encode(*file);
  if (Status written = sim::write_replay(options_.replay_file, *file); !written) return written;
  failure.replay_path = options_.replay_file;
  return Nothing{};
}

Result<sim::ReplayFile> ProgramSearch::described(const sim::GuestRunSettings& settings,
                                                 const sim::RunRecord& record) const {
  sim::ReplayFile file = describe_run(settings, record);
  auto guests = describe_guests(options_.run, options_.empty_dirs);
  if (!guests) return guests.error();
  file.guests = std::move(*guests);
  file.engine = options_.run.engine;
  file.world = options_.run.world_text;
  return file;
}

// All that a replay file holds, without what may differ between two machines: the names of folders,
// and the engine, which changes nothing.
Result<SearchIdentity> ProgramSearch::identity() const {
  SearchIdentity identity;
  identity.weft = WEFT_VERSION;
  identity.policy = explore_.dfs ? "dfs:bound=" + std::to_string(explore_.bound)
                                 : to_string(explore_.settings.policy);
  identity.seeds = options_.whole;
  identity.keep_going = options_.keep_going;
  std::set<std::string> named;
  for (const GuestSpec& spec : options_.run.guests) {
    if (!named.insert(spec.module_path).second) continue;
    auto bytes = read_whole_file(spec.module_path);
    if (!bytes) return bytes.error();
    Sha256 hash;
    hash.add(*bytes);
    identity.modules.push_back({file_name(spec.module_path), hash.hex()});
  }
  sim::GuestRunSettings settings = settings_;
  settings.seed = 0;
  settings.policy = {};
  auto file = described(settings, {});
  if (!file) return file.error();
  file->engine = kOracleEngine;
  for (sim::ReplayGuest& guest : file->guests) {
    guest.module_path = file_name(guest.module_path);
    if (!guest.args.empty()) guest.args.front() = file_name(guest.args.front());
    for (std::size_t i = 0; i < guest.folders.size(); i += 2) guest.folders[i].clear();
  }
  Sha256 hash;
  hash.add(sim::encode(*file));
  hash.add(std::string{explore_.twice ? '2' : '1', settings_.leaks ? 'l' : '-',
                       explore_.settings.draws_cost ? 'd' : '-', explore_.reduce ? 'r' : '-',
                       explore_.settings.searches_go ? 'f' : '-'});
  identity.options = hash.hex();
  return identity;
}

Status ProgramSearch::load() {
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
void ProgramSearch::tell_unexplored() {
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

// The same whether rows are kept or not, and whether this process ran the seeds or others did.
void ProgramSearch::tell_unexplored(Verdict& verdict, std::uint64_t longest,
                                    bool leaks_undecided) const {
  verdict.unexplored = explore_.unexplored;
  if (!verdict.runs.empty()) longest = longest_passed(verdict.runs);
  std::string line = sim::unexplored_of(explore_.settings, longest);
  if (!line.empty()) verdict.unexplored.push_back(std::move(line));
  if (leaks_undecided) verdict.unexplored.emplace_back(sim::kLeaksUndecided);
}

bool ProgramSearch::has_go_guest() const {
  return std::any_of(loaded_->guests.begin(), loaded_->guests.end(),
                     [](const sim::GuestSetup& guest) { return guest.module->go != nullptr; });
}

sim::RunRecord ProgramSearch::run_noted(const sim::RunSettings& with) const {
  if (!has_found_) NotedSignals::check();
  return run(with);
}

sim::RunRecord ProgramSearch::run(const sim::RunSettings& with) const {
  sim::GuestRunSettings settings = settings_;
  static_cast<sim::RunSettings&>(settings) = with;
  auto record = sim::run_guests(loaded_->guests, settings);
  if (record) return *record;
  sim::RunRecord failed;
  failed.ending = sim::Ending::failed;
  failed.message = record.error().message;
  return failed;
}

}  // namespace weft::tools
