// SPDX-License-Identifier: Apache-2.0
// mutex: mutual exclusion between Gs, with Go's two modes.
//
//          lock()              (1)
//   free ──────────▶ locked ──────────▶ starving
//    ▲                │  ▲                  │
//    └─── unlock() ───┘  └────── (2) ───────┘
//
//   (1) a woken waiter finds it locked again, and has waited more than 1 ms
//   (2) the last waiter gets it, or one that has waited less than 1 ms
//
// locked is the normal mode, and fast: unlock() wakes the oldest waiter, which competes with the Gs
// that run. The unlocker may lock again many times without a switch. A woken waiter that loses goes
// to the front of the line.
//
// starving is fair, and bounds the wait of the oldest: unlock() hands the mutex to the oldest
// waiter and yields; lock() waits in line, and try_lock() fails.
//
// lock() and unlock() without contention are a compare and a store: no clock, no allocation, no
// call. The clock is read when a G begins to wait, and not after every wait when waits are short:
// the mode may change up to 16 lost races late.
//
// Not recursive. As in Go it belongs to no G: one may lock it and another unlock it. It meets std's
// Lockable: use std::lock_guard or std::unique_lock, so that a killed G unlocks by its destructors.
//
// From: a G, unless it says otherwise.
#pragma once

#include <cstdint>

#include "scheduler/sync/panic.h"
#include "scheduler/sync/sema.h"

namespace weft {

// A lock between Gs.
class mutex {
 public:
  mutex() = default;
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  // Locks; parks while another G has it. On a G only. Throws Killed, and then has not locked.
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
  // state_: three bits, and above them the number of Gs that wait, without one that is being woken.
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
