// SPDX-License-Identifier: Apache-2.0
// One simulated run: what goes in, and everything that is known of it afterwards.
#pragma once

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include "base/instant.h"
#include "sim/director.h"

namespace weft::sim {

// Where virtual realtime starts unless it is told otherwise: 2009-11-10 23:00:00 UTC, as Go's
// playground.
inline constexpr std::int64_t kRealtimeStart = 1'257'894'000'000'000'000;
// Where virtual monotonic time starts: not at 0, which some programs take for "no time".
inline constexpr Instant kMonotonicStart = {1'000'000'000};

// How much fuel (guest/wabt/meter.cpp) a guest uses between two safe points, on every engine. With
// less the safe points cost more than the guest's work, with more a loop without calls is coarse.
inline constexpr std::uint32_t kQuantum = 64;

// How a run ended. Everything but `passed` is a failure.
enum class Ending : std::uint8_t {
  passed,
  exit_code,         // A guest exited with another code than 0.
  trapped,           // A guest trapped.
  failed,            // A native program's check failed, or an exception left it.
  deadlock,          // Everything waits for what can never come.
  livelock,          // More steps than allowed.
  timed_out,         // More virtual time than allowed.
  output,            // stdout is not what was expected.
  nondeterministic,  // The same schedule gave another stream of events.
  leak,              // Goroutines of a Go guest are blocked for ever when its main has ended.
};

constexpr const char* name(Ending ending) {
  constexpr const char* names[] = {"passed",           "exit code", "trap",     "failed check",
                                   "deadlock",         "livelock",  "time-out", "output",
                                   "nondeterministic", "leak"};
  return names[static_cast<std::size_t>(ending)];
}

// Lines of the scheduler's state on stderr, as Go's under GODEBUG=schedtrace.
struct SchedTrace {
  Duration period;      // 0: none.
  bool detail = false;  // A line for each M and G, too.
};

struct RunSettings {
  std::uint64_t seed = 1;
  PolicySpec policy;
  Duration cost;            // Of a safe point.
  bool draws_cost = false;  // A search: each seed has a cost of its own; see of_seed().
  Duration switch_cost;     // Of a switch; of native programs, and in no replay file.
  Duration lateness;        // The most by which a sleep ends late.
  std::uint64_t steps_max = UINT64_MAX;
  std::uint64_t fair_from = UINT64_MAX;  // As DirectorOptions::fair_from; see of_seed().
  // A search of Go programs: schedules end fair, and some seeds preempt nobody; see of_seed().
  bool searches_go = false;
  Duration time_max = Duration{INT64_MAX};  // Of virtual time.
  std::int64_t realtime_start = kRealtimeStart;
  std::uint32_t fault_one_in = 0;
  bool short_transfers = true;  // Faults: calls that move fewer bytes, too.
  // A replay or a search: decisions that are made already, and who makes those behind them.
  const Schedule* forced = nullptr;
  bool then_policy = true;
  bool keep_events = false;
  bool keep_decisions = false;
  bool reduce = false;         // End the run when it turns out to be redundant: DFS.
  bool accesses_told = false;  // A native program's: whatever its Gs share is told by access().
  EventListener* listener = nullptr;
  SchedTrace schedtrace;
  // Not 0: the run ends at its next step, as one with so many steps at most would.
  const volatile std::sig_atomic_t* stop = nullptr;
  // How long the run may take in real time, looked at now and then; 0: for ever. A run that takes
  // longer ends as one with so many steps at most would.
  Duration patience;
};

struct RunRecord {
  Ending ending = Ending::passed;
  std::string message;  // What failed, in a line or several; empty when it passed.
  int exit_code = 0;    // Of the first guest that did not exit with 0.
  Schedule schedule;
  std::uint64_t hash = 0;
  std::uint64_t order =
      0;  // A hash of which G, and which goroutine, ran after which; without times.
  std::uint64_t events_seen = 0;
  std::uint64_t steps = 0;
  std::uint64_t steps_max = 0;  // That of the settings, or fewer when it was told to stop.
  Duration virtual_time;
  bool stopped = false;              // RunSettings::stop ended it.
  bool out_of_patience = false;      // RunSettings::patience did, by a livelock.
  bool redundant = false;            // It was ended: another run shows the rest.
  bool left_schedule = false;        // The forced schedule did not fit at decision `followed`.
  std::uint64_t followed = 0;        // How many decisions of the forced schedule were followed.
  std::uint64_t shared_objects = 0;  // A bit for each object that several guests touched.
  // Goroutines went on after main had ended: whether others are blocked for ever is not known.
  bool leaks_undecided = false;
  bool waited_outside = false;  // For a real descriptor: the run need not repeat.
  std::string input;            // What was read of stdin.
  std::string out;              // The end of stdout of all guests, unless echoed.
  std::string err;              // The same of stderr.
  bool out_cut = false;         // There was more before it.
  bool err_cut = false;
  int out_error = 0;                  // The host's errno when stdout could not be echoed.
  std::vector<Event> events;          // keep_events.
  std::vector<DecisionPoint> points;  // keep_decisions.

  [[nodiscard]] bool failed() const { return ending != Ending::passed; }
};

inline DirectorOptions director_options(const RunSettings& settings) {
  DirectorOptions options;
  options.forced = settings.forced;
  options.then_policy = settings.then_policy;
  options.cost = settings.cost;
  options.switch_cost = settings.switch_cost;
  options.limit = kMonotonicStart + settings.time_max;
  options.lateness = settings.lateness;
  options.steps_max = settings.steps_max;
  options.fair_from = settings.fair_from;
  options.stop = settings.stop;
  options.patience = settings.patience;
  options.fault_one_in = settings.fault_one_in;
  options.short_transfers = settings.short_transfers;
  options.keep_decisions = settings.keep_decisions;
  // Where computing takes time, everything depends on everything before it.
  options.reduce = settings.reduce && settings.cost == Duration{};
  options.seed = settings.seed;
  return options;
}

// What the Director knows of the run that has ended. Takes its events.
inline void take_record(RunRecord& record, Director& director) {
  record.schedule = director.schedule();
  record.points = director.points();
  record.steps = director.steps();
  record.steps_max = director.steps_max();
  record.shared_objects = director.shared_objects();
  record.redundant = director.redundant();
  record.out_of_patience = director.out_of_patience();
  record.followed = director.followed();
  record.left_schedule = director.left_schedule();
  record.hash = director.log().hash();
  record.order = director.order();
  record.events_seen = director.log().count();
  record.events = director.log().take_events();
}

}  // namespace weft::sim
