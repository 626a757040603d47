// SPDX-License-Identifier: Apache-2.0
// Exploration: many schedules of one program, until one of them fails.
//
//   settings ─▶ RunOnce ─▶ RunRecord ──── fails ───▶ minimise ─▶ Failure
//      ▲                      │ passes
//      └── next seed, or next branch (DFS)
//
// Each schedule is run twice: a difference between the two is a failure of its own, and names the
// first event that differs. RunOnce runs a program under a schedule: guests (sim/guest_run.h), or a
// native function (explore(fn) below).
//
// From: any thread that runs no scheduler; access() and check() from a G of the program.
#pragma once

#include <functional>
#include <string>

#include "sim/explore/trial.h"

namespace weft::sim {

// Tries schedules until one fails.
ExploreReport explore(const RunOnce& once, const ExploreOptions& options);

// After how many steps a native program is a livelock, unless the settings say otherwise.
inline constexpr std::uint64_t kNativeStepsMax = 200'000;

// The same for a native program: fn runs as the first G of a scheduler of its own, in virtual time.
// It fails by an exception, by check() below, by a deadlock of fn itself, or by a livelock: more
// than settings.steps_max steps, or kNativeStepsMax where that says nothing. The run ends when fn
// returns; other Gs are killed then.
ExploreReport explore(const std::function<void()>& fn, const ExploreOptions& options = {});

// One run of a native program.
RunRecord run_native(const std::function<void()>& fn, const RunSettings& settings);

// How a G touches something that others may touch too.
enum class Touch : std::uint8_t {
  reads,
  writes,
  wakes,  // Writes, and may make another G runnable, as the unlocking of a mutex.
};
// Says that the calling G is about to touch something that other Gs may touch too, by a number from
// 1 to 63; another G may run first. When everything that Gs share is announced this way, a search
// with settings.accesses_told leaves out schedules that only reorder independent accesses. On a G.
void access(unsigned object, Touch touch);

// Fails the run when the condition does not hold: the calling G does not go on. On a G.
void check(bool condition, const std::string& message = "a check failed");

}  // namespace weft::sim
