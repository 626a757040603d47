// SPDX-License-Identifier: Apache-2.0
// Turn: how long a guest has had the thread, and its safe point.
//
// The preemption tick (signals/tick.h) asks a G that runs too long to yield. It needs up to two of
// its periods to see that, and an embedder may have no tick. So a guest looks at the clock itself
// at its safe points, which are rare enough (a slice of the interpreter, a quantum of fuel). It
// yields after kForcePreempt, or when a timer is due and it has had the thread for a while: the
// sleeper then runs behind the Gs that were runnable before it, and before this guest.
#pragma once

#include <algorithm>
#include <utility>

#include "scheduler/api.h"
#include "signals/tick.h"

namespace weft {

// What a guest has of a turn even where sleepers wake all the time.
inline constexpr Duration kTurnMin = microseconds(100);

class Turn {
 public:
  // Yields when somebody asked for it, the turn is over or a timer is due. Returns how long the
  // guest has run since the last safe point; 0 when others ran in between. On the guest's G. Throws
  // Killed.
  Duration safe_point() {
    G& g = this_g();
    const Instant at = now();
    const std::uint64_t switches = this_scheduler().switches();
    if (switches != switches_) {
      switches_ = switches;
      since_ = at;
      looked_at_ = at;
    }
    const Duration ran = at - looked_at_;
    const Duration had = at - since_;
    const bool is_over =
        had >= signals::kForcePreempt || (had >= kTurnMin && this_scheduler().is_timer_due(at));
    if (is_over) Scheduler::request_preempt(g);
    looked_at_ = at;
    longest_ = std::max(longest_, ran);
    checkpoint();
    return ran;
  }

  // The longest that the guest has run between two safe points since this was called last.
  Duration longest() { return std::exchange(longest_, Duration{}); }

 private:
  std::uint64_t switches_ = 0;  // The scheduler's, in this turn.
  Instant since_;
  Instant looked_at_;
  Duration longest_{};
};

}  // namespace weft
