// SPDX-License-Identifier: Apache-2.0
// Sema: the counting semaphore beneath mutex, rw_mutex and wait_group, as Go's runtime has one
// beneath its sync package. Not for programs: they have `semaphore`
// (scheduler/sync/weighted_semaphore.h).
//
// A release without hand-off leaves its unit lying and readies the oldest waiter, which takes it
// when it runs, if nobody was faster; else it waits again. That lets a G that runs anyway go on
// without a switch, and is where Go's order comes from. With hand-off the unit goes to that waiter
// at once.
//
// Invariant:
//   I1. A waiter that was taken off the list has been readied, and looks for a unit when it runs.
#pragma once

#include <cstdint>

#include "scheduler/sync/wait_list.h"

namespace weft {

class Sema {
 public:
  enum class Place : std::uint8_t { back, front };  // Of the line.

  // Takes a unit; parks while there is none. Throws Killed; `taken` then says whether the caller
  // has a unit all the same (it was on its way), which is then the caller's to give back.
  void acquire(WaitReason reason, Place place, bool& taken);

  // Takes a unit if there is one.
  bool try_acquire();

  // Gives a unit back and readies the oldest waiter. With hand-off that waiter has the unit at
  // once, and the caller goes to the tail of the run queue behind it; so only on a G. Never throws
  // Killed.
  void release(bool hand_off = false);

 private:
  struct Line : Waiter {
    using Waiter::Waiter;
    bool has_unit = false;
  };

  std::uint32_t units_ = 0;
  WaitList<Line> waiters_;
};

}  // namespace weft
