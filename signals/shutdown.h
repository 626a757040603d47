// SPDX-License-Identifier: Apache-2.0
// Shutdown: what SIGINT, SIGTERM, SIGXCPU and SIGQUIT do to a program of weft.
//
//   SIGINT, SIGTERM   the 1st asks: on_request runs, and the grace time begins;
//                     when it is over, or at the 2nd, on_kill runs: every G is killed, unwinds and
//                     its destructors run; the 3rd has the default action, which ends the process
//   SIGXCPU           the same: the process has used the CPU time that RLIMIT_CPU gives it; it
//                     comes again after each second of CPU time more
//   SIGQUIT           every G and M with its state goes to stderr, and what add_to_dump() was
//                     given; the program goes on
//
// The handler only notes the signal and interrupts the loop (Scheduler::interrupt); everything else
// happens on g0 at the loop's next look outside. A G that never passes a safe point holds that up:
// give it the tick (signals/tick.h), or the third signal. Threads without a G (new_m) are not
// killed: on_request tells them, or on_kill stops the run.
//
// How the command uses it:
//
//   signals::Shutdown shutdown(runtime.scheduler(), {.grace = seconds(5), .on_request = ...});
//   runtime.run();
//   if (shutdown.signal() != 0) return 128 + shutdown.signal();
//
// One for a process at a time.
#pragma once

#include <signal.h>

#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "base/instant.h"
#include "scheduler/timers.h"

namespace weft {

class Scheduler;

namespace signals {

class Shutdown {
 public:
  struct Config {
    Duration grace = seconds(5);  // 0: killed at the first signal.
    // Both run on g0: they may ready, kill and stop, and must not park.
    std::function<void(int sig)> on_request = {};  // Empty: only the grace time begins.
    std::function<void()> on_kill = {};            // Empty: kills every G.
  };

  // On the scheduler's thread, before run(). The scheduler must outlive it.
  explicit Shutdown(Scheduler& scheduler) : Shutdown(scheduler, Config()) {}
  Shutdown(Scheduler& scheduler, Config config);
  ~Shutdown();
  Shutdown(const Shutdown&) = delete;
  Shutdown& operator=(const Shutdown&) = delete;

  // What SIGQUIT prints below the Gs and Ms: lines with their ends, or "". Called on g0.
  void add_to_dump(std::function<std::string()> more) { more_ = std::move(more); }

  // The first SIGINT, SIGTERM or SIGXCPU that came and was served, or 0.
  [[nodiscard]] int signal() const { return signal_; }
  // Has on_kill run?
  [[nodiscard]] bool killed() const { return killed_; }

 private:
  struct GraceTimer : Timer {
    explicit GraceTimer(Shutdown& shutdown) : Timer(&fire), owner(shutdown) {}
    static void fire(Timer& timer);
    Shutdown& owner;
  };

  static void on_signal(int sig, siginfo_t* info, void* context);
  static void on_interrupt(void* self);
  void serve();
  void kill_all();
  void dump();

  Scheduler& scheduler_;
  const Config config_;
  std::function<std::string()> more_;
  GraceTimer grace_timer_;
  int signal_ = 0;
  int served_ = 0;  // Requests.
  bool killed_ = false;

  // Written by the handler.
  std::atomic<int> requests_ = 0;
  std::atomic<int> first_signal_ = 0;
  std::atomic<bool> dump_asked_ = false;
};

}  // namespace signals
}  // namespace weft
