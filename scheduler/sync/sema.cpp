// SPDX-License-Identifier: Apache-2.0
#include "scheduler/sync/sema.h"

namespace weft {

namespace {

// Unlocking happens in destructors, which must not throw: a G that is killed here leaves from its
// next safe point.
void yield_unthrown() {
#if WEFT_UNWINDS
  try {
    yield();
  } catch (const Killed&) {
    this_scheduler().kill(this_g());
  }
#else
  yield();
#endif
}

}  // namespace

bool Sema::try_acquire() {
  if (units_ == 0) return false;
  --units_;
  return true;
}

void Sema::acquire(WaitReason reason, Place place, bool& taken) {
  taken = try_acquire();
  if (taken) return;
  Line line(this_g());
  try {
    do {
      place == Place::front ? waiters_.push_front(line) : waiters_.push_back(line);
      park(reason);
    } while (!line.has_unit && !try_acquire());
  } catch (const Killed&) {
    // Taken off the list (I1), by a release that meant it or passed over it: its count was for this
    // G.
    taken = line.has_unit || (!line.linked() && try_acquire());
    throw;
  }
  taken = true;
}

void Sema::release(bool hand_off) {
  ++units_;
  Line* oldest = pop_waiting(waiters_);
  if (oldest == nullptr) return;
  oldest->has_unit = hand_off && try_acquire();
  const bool gave = oldest->has_unit;
  ready(oldest->g());
  if (gave) yield_unthrown();
}

}  // namespace weft
