// SPDX-License-Identifier: Apache-2.0
// mutex: mutual exclusion between Gs, with Go's two modes.
//
//                 lock(), nobody has it                  unlock(), somebody waits: wakes the
//                 oldest,
//                ┌─────────────▶ locked ◀──────────┐     which competes with whoever runs
//             free                    │            │
//                ▲────────────────────┘ unlock()   │ the last waiter, or one that waited < 1 ms,
//                has it
//                                     │            │
//     a woken waiter that has waited  │            │
//     > 1 ms finds it locked again    └──▶ starving┘     unlock(): hands it to the oldest waiter
//     and
//                                                        yields; lock() queues, try_lock() fails
//
// Normal mode is fast: the unlocker may lock again many times without a switch. Starvation mode is
// fair: it bounds the wait of the oldest. A woken waiter that loses goes to the front of the line.
//
// lock() and unlock() without contention are a compare and a store: no clock, no allocation, no
// call. The clock is read when a G begins to wait, and not after every wait when those are short:
// the end of its patience may be seen up to 16 lost races late.
//
// Not recursive. As in Go it belongs to no G: one may lock it and another unlock it. Meets std's
// Lockable, so std::lock_guard and std::unique_lock take it: use them, a killed G unlocks by its
// destructors.
#pragma once

#include <cstdint>

#include "scheduler/sync/panic.h"
#include "scheduler/sync/sema.h"

namespace weft {

class mutex {
 public:
  mutex() = default;
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  // Locks; parks while somebody else has it. On a G only. Throws Killed, and then has not locked.
  WEFT_INLINE void lock() {
    if (state_ == 0) [[likely]] {
      state_ = kLocked;
      return;
    }
    lock_slow();
  }

  // Locks if that is possible at once. Also callable on g0.
  bool try_lock() {
    if ((state_ & (kLocked | kStarving)) != 0) return false;
    state_ |= kLocked;
    return true;
  }

  // Unlocks. FatalError "sync: unlock of unlocked mutex". On a G only.
  WEFT_INLINE void unlock() {
    if (state_ == kLocked) [[likely]] {
      state_ = 0;
      return;
    }
    unlock_slow();
  }

  // For tests and dumps.
  [[nodiscard]] bool locked() const { return (state_ & kLocked) != 0; }
  [[nodiscard]] bool starving() const { return (state_ & kStarving) != 0; }
  [[nodiscard]] std::uint32_t waiters() const { return state_ / kOneWaiter; }

 private:
  // state_: three bits, and above them the number of Gs that wait, one that is being woken not
  // among them.
  static constexpr std::uint32_t kLocked = 1;
  static constexpr std::uint32_t kWoken = 2;  // A woken waiter is under way: unlock wakes no other.
  static constexpr std::uint32_t kStarving =
      4;  // kLocked may be off though it is not free: see unlock_slow.
  static constexpr std::uint32_t kOneWaiter = 8;

  void lock_slow();
  void unlock_slow();
  void take_over(bool leave_starvation);
  void wake_one_if_free();
  void give_back_after_kill(bool taken);

  std::uint32_t state_ = 0;
  Sema sema_;
};

}  // namespace weft
