// SPDX-License-Identifier: Apache-2.0
// Sema: the counting semaphore beneath mutex, rw_mutex and wait_group, as Go's runtime has one
// beneath its sync package. Not for programs: they have `semaphore`
// (scheduler/sync/weighted_semaphore.h).
//
// A release without hand-off adds its unit to the count and readies the oldest waiter. When that
// runs it takes the unit, or waits again if another G was faster. So a running G can go on without
// a switch; Go's order comes from this. With hand-off the unit goes to that waiter at once.
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
  // got a unit all the same, which it must give back.
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
