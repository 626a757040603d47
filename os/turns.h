// SPDX-License-Identifier: Apache-2.0
// Turns: the scheduler inside an embedder's loop.
//
//   boost::asio::io_context io;          a G becomes runnable ─┐   (or wake(), or a timer is due)
//   Reactor reactor{io};                                       ▼
//   Scheduler scheduler{clock, reactor};                  posted ──▶ a turn: Gs run, up to
//   Turns turns{scheduler, reactor};                         ▲       kSwitchesPerTurn switches
//   ...                                                      └─ Gs are ─┤
//   io.run();                                                   left    ├─ all wait: a timer
//                                                                       │  for the next deadline
//                                                                       └─ none can go on: nothing
//
// A turn is one handler among the embedder's handlers, which run between turns. They may spawn,
// ready and kill Gs: making a G runnable asks for a turn. They may also call what scheduler/api.h
// and scheduler/sync/ allow on g0: between turns this_scheduler() is this scheduler, or the first
// one when several share a thread. A handler does not run on a G: it starts one to do what parks.
//
// While no G can go on without a handler's help, nothing of weft keeps io.run() from returning.
// That is how it ends when all is done; Scheduler::live() tells a deadlock from that.
//
// An exception that leaves a G leaves io.run(); the other Gs go on when that is called again.
//
// From: the thread of the loop, in a handler or outside of it.
#pragma once

#include <memory>

#include "os/reactor.h"
#include "scheduler/scheduler.h"

namespace weft {

// As often as the scheduler looks outside by itself: I/O waits no longer than it would there.
inline constexpr std::uint64_t kSwitchesPerTurn = kSwitchesPerLook;

// Runs a scheduler in the handlers of a loop. A Runtime on an io_context has one.
class Turns {
 public:
  // Both must live longer, the reactor be on the embedder's io_context, and the scheduler's clock
  // be SystemClock's, which is Asio's.
  Turns(Scheduler& scheduler, Reactor& reactor);
  ~Turns();
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  // Asks for a turn. On the thread of the loop. Seldom needed: see above.
  void soon();

  // As Scheduler::run(); the embedder's handlers run meanwhile. Not inside one of them.
  RunResult run();

  // How the last turn ended. A report only when it is fatal; fatal_report() makes one of a
  // deadlock.
  [[nodiscard]] const RunResult& last() const { return last_; }

 private:
  void take();
  void wait_until(Instant deadline);

  Scheduler& scheduler_;
  Reactor& reactor_;
  struct Deadline;
  std::unique_ptr<Deadline> deadline_;
  Instant timer_at_ = Instant::far_future();
  RunResult last_{RunEnd::finished, {}};
  bool posted_ = false;
  std::shared_ptr<void> life_;  // A handler that runs after the end finds it expired.
};

}  // namespace weft
