// SPDX-License-Identifier: Apache-2.0
#include "scheduler/sync/rw_mutex.h"

namespace weft {

void rw_mutex::wait_for_writer() {
  bool taken = false;
  try {
    reader_sema_.acquire(WaitReason::sync_rw_mutex_rlock, Sema::Place::back, taken);
  } catch (const Killed&) {
    if (taken) {
      unlock_shared();  // It had been let in.
    } else {
      --readers_;
    }
    throw;
  }
}

void rw_mutex::unlock_shared_slow() {
  if (readers_ + 1 == 0 || readers_ + 1 == -kReadersMax) {
    ++readers_;
    fatal_error("sync: RUnlock of unlocked RWMutex");
  }
  // The last reader that was there before the writer lets it in.
  if (--departing_ == 0) writer_sema_.release();
}

void rw_mutex::lock() {
  writers_.lock();
  departing_ = readers_;
  readers_ -= kReadersMax;
  if (departing_ == 0) return;
  bool taken = false;
  try {
    writer_sema_.acquire(WaitReason::sync_rw_mutex_lock, Sema::Place::back, taken);
  } catch (const Killed&) {
    let_readers_in();
    throw;
  }
}

void rw_mutex::unlock() {
  if (readers_ >= 0) fatal_error("sync: Unlock of unlocked RWMutex");
  WEFT_CHECK(departing_ == 0, "a writer unlocked while readers were there");
  let_readers_in();
}

// Lets in the readers that came since the writer announced itself. Readers that were there before
// read on when the writer leaves without having had the lock.
void rw_mutex::let_readers_in() {
  readers_ += kReadersMax;
  for (std::int32_t i = readers_ - departing_; i > 0; --i) reader_sema_.release();
  departing_ = 0;
  writers_.unlock();
}

bool rw_mutex::try_lock() {
  if (!writers_.try_lock()) return false;
  if (readers_ != 0) {
    writers_.unlock();
    return false;
  }
  readers_ = -kReadersMax;
  return true;
}

}  // namespace weft
