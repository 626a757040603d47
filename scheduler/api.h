// SPDX-License-Identifier: Apache-2.0
// Start here: the scheduler from a G's side, in one page.
//
//   weft::go([] {
//     weft::sleep_for(weft::milliseconds(10));
//     ...
//   });
//
// All of these act on the scheduler whose run() is on this thread's stack, and may be called on a G
// only, unless it says otherwise. A killed G leaves yield, park and sleep by the exception Killed.
//
// From: a G, unless it says otherwise.
#pragma once

#include <utility>

#include "scheduler/scheduler.h"

namespace weft {

// The scheduler that runs this thread. Callable from everything that a scheduler runs.
WEFT_INLINE Scheduler& this_scheduler() {
  WEFT_CHECK(scheduler_of_thread != nullptr, "called outside of a scheduler's run()");
  return *scheduler_of_thread;
}

// The running G.
inline G& this_g() {
  G* g = this_scheduler().current();
  WEFT_CHECK(g != nullptr, "called outside of a G");
  return *g;
}

// Starts a G that calls f(); it runs when its turn comes, and has no stack before. Fails when there
// is no memory for it, or no address space for one more stack: so a G that was started does run.
// Also callable on g0 (from timers and event handlers).
template <std::invocable F>
Result<G*> go(F&& f, const SpawnOptions& options = {}) {
  return this_scheduler().spawn(std::forward<F>(f), options);
}

// Goes to the tail of the queue; the other runnable Gs run first.
WEFT_INLINE void yield() {
  this_scheduler().yield();
}

// Waits until somebody calls ready() with this G.
WEFT_INLINE void park(WaitReason reason) {
  this_scheduler().park(reason);
}

// Makes a parked G runnable. Also callable on g0.
WEFT_INLINE void ready(G& g) {
  this_scheduler().ready(g);
}

// Sleeps at least d; d <= 0 returns at once, without a yield.
inline void sleep_for(Duration d) {
  if (d > Duration{}) this_scheduler().sleep_until(this_scheduler().now() + d);
}

// Sleeps at least until t on the scheduler's clock.
inline void sleep_until(Instant t) {
  this_scheduler().sleep_until(t);
}

// The scheduler's monotonic clock. Also callable on g0.
inline Instant now() {
  return this_scheduler().now();
}

// Yields if somebody asked this G to (Scheduler::request_preempt). For long loops.
WEFT_INLINE void checkpoint() {
  this_scheduler().checkpoint();
}

}  // namespace weft
