// The contended half of scheduler/mutex.h.
#include "scheduler/mutex.h"

namespace weft {
namespace {
constexpr Duration kStarvationAfter = milliseconds(1);
}

void mutex::lock_slow() {
  Instant waiting_since{};
  bool has_waited = false;
  bool starving = false;  // This G; kStarving is the mutex.
  for (;;) {
    // The woken bit is this G's own from here on.
    if (has_waited) state_ &= ~kWoken;
    if ((state_ & (kLocked | kStarving)) == 0) {
      state_ |= kLocked;
      return;
    }
    state_ += kOneWaiter;
    // Only while it is locked: unlock relies on a waiter to hand it to.
    if (starving && (state_ & kLocked) != 0) state_ |= kStarving;
    if (!has_waited) waiting_since = now();
    bool taken = false;
    try {
      sema_.acquire(WaitReason::sync_mutex_lock,
                    has_waited ? Sema::Place::front : Sema::Place::back, taken);
    } catch (const Killed&) {
      give_back_after_kill(taken);
      throw;
    }
    has_waited = true;
    starving = starving || now() - waiting_since > kStarvationAfter;
    if ((state_ & kStarving) != 0) {
      take_over(!starving);
      return;
    }
  }
}

// The mutex was handed to this G, which still counts as a waiter.
void mutex::take_over(bool leave_starvation) {
  WEFT_CHECK((state_ & (kLocked | kWoken)) == 0, "a mutex was handed over that is not free");
  WEFT_CHECK(waiters() > 0, "a mutex was handed to a G that did not wait");
  state_ = state_ - kOneWaiter + kLocked;
  if (leave_starvation || waiters() == 0) state_ &= ~kStarving;
}

void mutex::unlock_slow() {
  if ((state_ & kLocked) == 0) fatal_error("sync: unlock of unlocked mutex");
  state_ &= ~kLocked;
  if ((state_ & kStarving) == 0) {
    wake_one_if_free();
  } else {
    // kLocked stays off until the waiter runs and takes over; kStarving keeps everybody else out.
    sema_.release(true);
  }
}

void mutex::wake_one_if_free() {
  if (waiters() == 0 || (state_ & (kLocked | kWoken | kStarving)) != 0) return;
  state_ = (state_ - kOneWaiter) | kWoken;
  sema_.release();
}

// A killed G gives up its place, and passes on what it had been woken for.
void mutex::give_back_after_kill(bool taken) {
  if (taken && (state_ & kStarving) != 0) {
    take_over(false);
    unlock();
  } else if (taken) {
    state_ &= ~kWoken;
    wake_one_if_free();
  } else {
    state_ -= kOneWaiter;
    if (waiters() == 0) state_ &= ~kStarving;
  }
}

}  // namespace weft
