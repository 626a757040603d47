// SPDX-License-Identifier: Apache-2.0
// ProgramSearch: the search of `weft test` in one program: its guests loaded, run in many
// schedules, and what was found as a Verdict.
//
//   prepare ─▶ try_out ─▶ search ─▶ Verdict ── failure ──▶ write_replay
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sim/guest_run.h"
#include "sim/record/replay_file.h"
#include "tools/search_progress.h"
#include "tools/test_options.h"
#include "tools/verdict.h"

namespace weft::tools {

class ProgramSearch {
 public:
  // The options must outlive it.
  explicit ProgramSearch(const TestOptions& options);
  ~ProgramSearch();
  ProgramSearch(const ProgramSearch&) = delete;
  ProgramSearch& operator=(const ProgramSearch&) = delete;

  // Loads the modules and reads the files.
  Status prepare();
  // Can all guests be made? One step of a run tells.
  Status try_out();
  // Runs the seeds of the options: all of them, or those of their part. A noted signal ends it by
  // Interrupted; once a failure was found, only the minimising ends early, and this returns.
  Result<Verdict> search();
  // Writes the replay file of the failure that was found last, and keeps its bytes and, when
  // that could be written, its path.
  Status write_replay(VerdictFailure& failure) const;
  // What makes it the search that it is. After prepare; the policy is complete after
  // complete_policy or search.
  Result<SearchIdentity> identity() const;

  // Of a search whose seeds others run (tools/test_nats.h):
  // Tells the policy how long the program is, by a run of the first seed.
  void complete_policy();
  // How long a seed takes here, in real time: of the first ones.
  double seconds_a_seed() const;
  // What others have found, with the names that files have here; writes the replay file.
  Status adopt(Verdict& verdict) const;

 private:
  struct Loaded;

  Status load();
  void tell_unexplored();
  // Of the runs that passed.
  void tell_unexplored(Verdict& verdict, std::uint64_t longest, bool leaks_undecided) const;
  [[nodiscard]] bool has_go_guest() const;
  sim::RunRecord run(const sim::RunSettings& with) const;
  sim::RunRecord run_noted(const sim::RunSettings& with) const;
  Result<sim::ReplayFile> described(const sim::GuestRunSettings& settings,
                                    const sim::RunRecord& record) const;
  // For ExploreOptions::minimising_goes_on: until the time is over or a signal has come.
  std::function<bool(std::uint64_t, std::size_t)> minimising_within(SearchProgress& progress);
  // Runs only this seed, which has failed elsewhere, and makes it small.
  Result<VerdictFailure> minimised(std::uint64_t seed, SearchProgress& progress);
  Status search_depth_first(Verdict& verdict);
  Status search_by_seeds(Verdict& verdict);
  VerdictFailure failure_of(const sim::Failure& failure);

  const TestOptions& options_;
  sim::ExploreOptions explore_;
  std::unique_ptr<Loaded> loaded_;
  std::string expected_;
  sim::GuestRunSettings settings_;
  std::optional<sim::Failure> found_;
  bool has_found_ = false;  // A failing schedule, in the search under way.
};

}  // namespace weft::tools
