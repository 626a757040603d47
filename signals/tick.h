// SPDX-License-Identifier: Apache-2.0
// Tick: the preemption tick. Asks a G that has run for 10 ms without a switch to yield at its next
// safe point (as Go's sysmon with forcePreemptNS). It uses a timer's signal on the scheduler's own
// thread: there is no second thread. Where Gs do switch, but compute long in between, the tick
// makes the loop look at timers and I/O at the next switch.
//
//   timer, 10 ms of this thread's CPU time ─▶ SIGURG ─┬─ the same switch count as at the last one:
//                                                     │    preempt_m(current M)
//                                                     └─ another one: look_soon()
//
// The clock is the thread's CPU time, not the wall's: a thread that waits in the poller uses none,
// so an idle process is never woken, and nothing has to be armed and disarmed on the way in and out
// of the loop. It also means that a G on a busy machine is asked after 10 ms of running, however
// long that took. A G is asked after 10 to 20 ms: the tick that first sees it only takes note.
//
// The G that a tick finds running has the period counted as its CPU time (os/cpu_meter.h).
//
// SIGURG as in Go: ignored by default, so a stray one is harmless. One Tick a thread at a time; a
// SIGURG that no Tick sent goes to the handler that was there before.
//
// From: the scheduler's thread.
#pragma once

#include <signal.h>
#include <time.h>

#include <atomic>
#include <cstdint>

#include "base/instant.h"
#include "base/result.h"

namespace weft {

class Scheduler;

namespace signals {

// How long a G may run before it is asked: Go's forcePreemptNS.
inline constexpr Duration kForcePreempt = milliseconds(10);

// Has native Gs that compute make room at their next checkpoint().
class Tick {
 public:
  // The scheduler must outlive the tick, and run on the thread that calls start().
  explicit Tick(Scheduler& scheduler, Duration period = kForcePreempt)
      : scheduler_(scheduler), period_(period) {}
  ~Tick() { stop(); }
  Tick(const Tick&) = delete;
  Tick& operator=(const Tick&) = delete;

  // From now on, until stop(). On the scheduler's thread. Fails when the system has no timer left.
  Status start();
  // On the same thread. Does nothing when it was not started.
  void stop();

  // How many ticks there were, and how many of them asked a G. From any thread.
  [[nodiscard]] std::uint64_t ticks() const { return ticks_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t preempts() const { return preempts_.load(std::memory_order_relaxed); }

 private:
  static void on_signal(int sig, siginfo_t* info, void* context);
  void tick() noexcept;

  Scheduler& scheduler_;
  const Duration period_;
  bool started_ = false;
  timer_t timer_{};
  // Written by the signal handler.
  std::uint64_t seen_switches_ = 0;
  std::atomic<std::uint64_t> ticks_ = 0;
  std::atomic<std::uint64_t> preempts_ = 0;
};

}  // namespace signals
}  // namespace weft
