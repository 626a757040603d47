// SPDX-License-Identifier: Apache-2.0
// cond: a condition variable with Go's Cond's guarantees: signal wakes the G that has waited
// longest, broadcast wakes all in the order in which they came, and no G wakes without one of the
// two.
//
//   std::unique_lock lock(m);
//   while (queue.empty()) c.wait(lock);      // Or c.wait(lock, [&] { return !queue.empty(); });
//
// Works with any lock that has lock() and unlock(). Signalling needs no lock. Allocates nothing.
//
// From: a G, unless it says otherwise.
#pragma once

#include "scheduler/sync/wait_list.h"

namespace weft {

// A condition variable.
class cond {
 public:
  cond() = default;
  cond(const cond&) = delete;
  cond& operator=(const cond&) = delete;

  // Unlocks, parks until signal or broadcast, and locks again. On a G only. A killed G locks again
  // too before Killed leaves, so that its destructors find the lock as they expect; a signal that
  // it had got goes to the next.
  template <class Lock>
  void wait(Lock& lock) {
    Line line(this_g());
    waiters_.push_back(line);
    lock.unlock();
    bool killed = false;
    try {
      if (!line.signalled) park(WaitReason::sync_cond_wait);  // Unlocking may have yielded.
    } catch (const Killed&) {
      killed = true;
      line.unlink();
    }
    while (!locked_again(lock)) killed = true;
    if (!killed) return;
    if (line.signalled) signal();
    throw Killed{};
  }

  // Waits until the predicate holds.
  template <class Lock, class Predicate>
  void wait(Lock& lock, Predicate holds) {
    while (!holds()) wait(lock);
  }

  // Wakes the one that has waited longest, if any. Also callable on g0.
  void signal() { (void)wake_one(); }

  // Wakes all. Also callable on g0.
  void broadcast() {
    while (wake_one()) {
    }
  }

 private:
  struct Line : Waiter {
    using Waiter::Waiter;
    bool signalled = false;
  };

  // False when the G was killed while it waited for the lock.
  template <class Lock>
  static bool locked_again(Lock& lock) {
    try {
      lock.lock();
      return true;
    } catch (const Killed&) {
      return false;
    }
  }

  // Not pop_waiting: a G on the list that is not parked may also be one that has yet to park, since
  // unlocking may yield. If it is one that was killed, it passes the signal on.
  bool wake_one() {
    Line* oldest = waiters_.pop_front();
    if (oldest == nullptr) return false;
    oldest->signalled = true;
    if (oldest->g().is_waiting()) ready(oldest->g());
    return true;
  }

  WaitList<Line> waiters_;
};

}  // namespace weft
