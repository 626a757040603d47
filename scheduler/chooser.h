// SPDX-License-Identifier: Apache-2.0
// The Chooser: the one place that decides what runs next when more than one thing could.
//
// Without one the scheduler is strictly FIFO and pays nothing for the possibility. With one, every
// choice that the order of events leaves open goes through it: that is what makes a run a function
// of its inputs and a seed. sim/policy.h has choosers by name, and docs/policies.md tells how to
// write one.
//
// Everything here is called on the scheduler's thread, in the middle of a switch or at a safe
// point. It may read the scheduler's state, and must not call anything else of it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/instant.h"
#include "scheduler/random.h"
#include "scheduler/run_queue.h"

namespace weft {

class Chooser {
 public:
  virtual ~Chooser() = default;

  // Which of the runnable Gs runs next: an index into the queue, 0 for the oldest. Never called
  // with an empty queue.
  virtual std::size_t next_g(const RunQueue& queue) noexcept = 0;

  // The running G passes a safe point. True: it goes to the tail, after a look at timers and I/O.
  virtual bool at_safe_point(G& running, const RunQueue& queue) noexcept {
    (void)running, (void)queue;
    return false;
  }

  // One of n > 1 things that are left to chance: which of n ready cases a select takes. `random` is
  // the scheduler's own.
  virtual std::uint32_t one_of(std::uint32_t n, Random& random) noexcept { return random.below(n); }

  // When a wait of a G that is to last until `deadline` ends: then, or later.
  virtual Instant wake_at(Instant deadline) noexcept { return deadline; }
};

}  // namespace weft
