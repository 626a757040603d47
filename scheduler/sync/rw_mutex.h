// SPDX-License-Identifier: Apache-2.0
// rw_mutex: many readers or one writer, as Go's RWMutex.
//
//   readers_ > 0   so many Gs read
//   readers_ < 0   a writer has announced itself; readers_ + kReadersMax Gs read, or wait to read
//   departing_     readers for which the announced writer still waits
//   writers_       decides which writer is next, so at most one is announced
//
// Preference: a writer that waits lets in no new readers, and a writer that unlocks lets in all
// readers that came while it had the lock before the next writer. So neither starves the other. A G
// that reads must not read-lock again: with a writer in between that is a deadlock.
//
// Without contention each call is an addition and a compare: no clock, no allocation. Meets std's
// SharedLockable, so std::shared_lock and std::unique_lock take it.
//
// From: a G; the try_... functions also on g0.
#pragma once

#include <cstdint>

#include "scheduler/sync/mutex.h"

namespace weft {

// A lock for many readers or one writer.
class rw_mutex {
 public:
  rw_mutex() = default;
  rw_mutex(const rw_mutex&) = delete;
  rw_mutex& operator=(const rw_mutex&) = delete;

  // Locks for reading; parks while a writer has it or waits for it. On a G only. Throws Killed, and
  // then has not locked.
  WEFT_INLINE void lock_shared() {
    if (++readers_ < 0) [[unlikely]]
      wait_for_writer();
  }

  // Undoes one lock_shared. FatalError "sync: RUnlock of unlocked RWMutex". On a G only.
  WEFT_INLINE void unlock_shared() {
    if (--readers_ < 0) [[unlikely]]
      unlock_shared_slow();
  }

  // Locks for reading if that is possible at once.
  bool try_lock_shared() {
    if (readers_ < 0) return false;
    ++readers_;
    return true;
  }

  // Locks for writing; parks while another G has it. On a G only. Throws Killed, and then has not
  // locked.
  void lock();

  // Unlocks. FatalError "sync: Unlock of unlocked RWMutex". On a G only.
  void unlock();

  // Locks for writing if that is possible at once.
  bool try_lock();

 private:
  static constexpr std::int32_t kReadersMax = 1 << 30;

  void wait_for_writer();
  void let_readers_in();
  void unlock_shared_slow();

  mutex writers_;
  Sema writer_sema_;
  Sema reader_sema_;
  std::int32_t readers_ = 0;
  std::int32_t departing_ = 0;
};

}  // namespace weft
