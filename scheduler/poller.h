// SPDX-License-Identifier: Apache-2.0
// What the scheduler needs from an operating system, stated here and implemented in os/
// (os/reactor.h, os/clocks.h) and by the tests (a manual clock and a poller that moves it). This is
// the one inversion of the layers.
#pragma once

#include <cstddef>

#include "base/instant.h"

namespace weft {

// Monotonic time. Called by the loop at its looks outside, and to compute deadlines; never by a
// yield.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() = 0;
};

// Where the loop waits. Everything but wake() is called on the scheduler's thread only.
class Poller {
 public:
  virtual ~Poller() = default;

  // Handles the events that are there; when there are none, waits for one until the deadline, or
  // for wake(). A deadline in the past means: do not wait. Handling an event may ready Gs and must
  // not run one. The number of events handled in one call is bounded.
  virtual void poll(Instant deadline) = 0;

  // How many waits are under way that an event from outside can end. With none, no timer and no
  // runnable G the program can never go on: that is a deadlock.
  [[nodiscard]] virtual std::size_t waits() const = 0;

  // Does the poller know that a poll() which does not wait would find nothing? Then the loop may
  // leave it out. Called on the path of every 61st switch.
  [[nodiscard]] virtual bool is_quiet() const { return false; }

  // Makes a poll() that waits, or else the next one, return. Callable from any thread and from
  // signal handlers.
  virtual void wake() noexcept = 0;
};

}  // namespace weft
