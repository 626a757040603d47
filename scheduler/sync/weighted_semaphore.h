// SPDX-License-Identifier: Apache-2.0
// semaphore: admits so many units at a time, of which one G may take several; as Go's
// golang.org/x/sync/semaphore.
//
//   weft::semaphore downloads(4);
//   weft::semaphore::Hold hold(downloads);      // One unit until the end of the scope.
//
// First come, first served: a G that waits for many units is not overtaken by Gs that want few, so
// no G starves. Units go from the releaser straight to the waiter. Allocates nothing.
//
// From: a G, unless it says otherwise.
#pragma once

#include <cstdint>

#include "scheduler/sync/panic.h"
#include "scheduler/sync/wait_list.h"

namespace weft {

// So many units; a G takes some and gives them back.
class semaphore {
 public:
  // With so many units in all, all of them free.
  explicit semaphore(std::int64_t units) : size_(units), free_(units) {}
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;

  // Takes n units; parks while they are not free or others wait. More units than there are: parks
  // for ever. On a G only. Throws Killed, and then has taken none.
  void acquire(std::int64_t n = 1) {
    if (try_acquire(n)) return;
    Line line(this_g());
    line.wants = n;
    if (n > size_) park_forever(WaitReason::semacquire);
    waiters_.push_back(line);
    try {
      park(WaitReason::semacquire);
    } catch (const Killed&) {
      line.unlink();
      if (line.granted) free_ += n;
      grant();  // The next in line may want fewer.
      throw;
    }
  }

  // Takes n units if they are free and no G waits. Also callable on g0.
  bool try_acquire(std::int64_t n = 1) {
    if (n > free_ || front_waiting(waiters_) != nullptr) return false;
    free_ -= n;
    return true;
  }

  // Gives n units back; waiters for which there are enough now get theirs, in order. Panics
  // "semaphore: released more than held". Also callable on g0.
  void release(std::int64_t n = 1) {
    if (n > size_ - free_) panic("semaphore: released more than held");
    free_ += n;
    grant();
  }

  // Holds n units for a scope.
  class Hold {
   public:
    // Takes them; parks as acquire().
    explicit Hold(semaphore& s, std::int64_t n = 1) : semaphore_(s), units_(n) { s.acquire(n); }
    ~Hold() { semaphore_.release(units_); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    semaphore& semaphore_;
    const std::int64_t units_;
  };

  // How many are free at this moment.
  [[nodiscard]] std::int64_t free_units() const { return free_; }

 private:
  struct Line : Waiter {
    using Waiter::Waiter;
    std::int64_t wants = 0;
    bool granted = false;
  };

  void grant() {
    for (Line* next; (next = front_waiting(waiters_)) != nullptr && next->wants <= free_;) {
      next->unlink();
      free_ -= next->wants;
      next->granted = true;
      ready(next->g());
    }
  }

  const std::int64_t size_;
  std::int64_t free_;
  WaitList<Line> waiters_;
};

}  // namespace weft
