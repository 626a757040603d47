// SPDX-License-Identifier: Apache-2.0
// The contended half of scheduler/sync/mutex.h.
#include "scheduler/sync/mutex.h"

#include <algorithm>
#include <optional>

namespace weft {
namespace {
constexpr Duration kStarvationAfter = milliseconds(1);

// Has a G that loses the mutex again and again waited for too long? Reading a clock costs more than
// a switch, so it is read only when the answer may be yes: after as many losses as would use up
// half of the time that is left, at the rate so far, and after at most kLossesPerClockRead.
class Patience {
 public:
  // After each wait.
  bool is_over() {
    if (++losses_ < next_read_) return false;
    const Duration waited = now() - since_;
    if (waited > kStarvationAfter) return true;
    const std::int64_t left = kStarvationAfter.ns - waited.ns;
    const std::int64_t losses_left = losses_ * left / std::max<std::int64_t>(waited.ns, 1);
    next_read_ = losses_ + std::clamp<std::int64_t>(losses_left / 2, 1, kLossesPerClockRead);
    return false;
  }

 private:
  static constexpr std::int64_t kLossesPerClockRead = 16;
  const Instant since_ = now();
  std::int64_t losses_ = 0;
  std::int64_t next_read_ = 1;
};

}  // namespace

void mutex::lock_slow() {
  std::optional<Patience> patience;  // From the first wait on.
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
    if (!patience) patience.emplace();
    bool taken = false;
    try {
      sema_.acquire(WaitReason::sync_mutex_lock,
                    has_waited ? Sema::Place::front : Sema::Place::back, taken);
    } catch (const Killed&) {
      give_back_after_kill(taken);
      throw;
    }
    has_waited = true;
    starving = starving || patience->is_over();
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
    // kLocked stays off until the waiter runs and takes over; kStarving keeps all others out.
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
