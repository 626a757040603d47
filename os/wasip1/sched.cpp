// SPDX-License-Identifier: Apache-2.0
// The scheduler, seen by a guest.
#include "scheduler/api.h"

#include "os/wasip1/calls.h"

namespace weft::wasip1 {

// Goes to the tail of the run queue: every other runnable G runs first. Always ESUCCESS. Does not
// park. Specification: sched_yield.
Errno sched_yield(Process&, Memory) {
  yield();
  return Errno::success;
}

}  // namespace weft::wasip1
