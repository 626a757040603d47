// SPDX-License-Identifier: Apache-2.0
// wait_group: waits until a number of things are done, as Go's WaitGroup.
//
//   weft::wait_group wg;
//   for (Job& job : jobs) wg.go([&] { run(job); });
//   wg.wait();
//
// Waiters go on in the order in which they came. Allocates nothing (go() spawns). A wait_group must
// outlive its last done().
//
// From: a G, unless it says otherwise.
#pragma once

#include <cstdint>
#include <new>
#include <utility>

#include "scheduler/sync/panic.h"
#include "scheduler/sync/sema.h"

namespace weft {

// A counter to wait for.
class wait_group {
 public:
  wait_group() = default;
  wait_group(const wait_group&) = delete;
  wait_group& operator=(const wait_group&) = delete;

  // Adds to the count; at zero all waiting Gs go on. Panics "sync: negative WaitGroup counter",
  // "sync: WaitGroup counter overflow"; the count does not change then. Also on g0.
  void add(std::int64_t delta) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(count_, delta, &sum)) [[unlikely]] {
      panic("sync: WaitGroup counter overflow");
    }
    if (sum < 0) [[unlikely]] {
      panic("sync: negative WaitGroup counter");
    }
    count_ = sum;
    if (count_ > 0) return;
    for (; waiters_ > 0; --waiters_) sema_.release();
  }

  // add(-1).
  void done() { add(-1); }

  // Waits until the count is zero. On a G only.
  void wait() {
    if (count_ == 0) return;
    ++waiters_;
    bool taken = false;
    try {
      sema_.acquire(WaitReason::sync_wait_group_wait, Sema::Place::back, taken);
    } catch (const Killed&) {
      if (!taken) --waiters_;
      throw;
    }
    // add() was called before all that waited for the last round had gone on.
    if (count_ != 0 || waiters_ != 0) [[unlikely]] {
      panic("sync: WaitGroup is reused before previous Wait has returned");
    }
  }

  // Calls f in a G of its own, with add(1) before and done() after, also when f leaves by an
  // exception or is killed. Throws std::bad_alloc when there is no memory for a stack.
  template <std::invocable F>
  void go(F&& f, const SpawnOptions& options = {}) {
    struct Counted {
      wait_group* group;
      std::decay_t<F> function;
      Counted(wait_group* g, F&& f) : group(g), function(std::forward<F>(f)) { group->add(1); }
      Counted(Counted&& other) noexcept
          : group(std::exchange(other.group, nullptr)), function(std::move(other.function)) {}
      ~Counted() {
        if (group != nullptr) group->done();
      }
      void operator()() { function(); }
    };
    if (!weft::go(Counted(this, std::forward<F>(f)), options)) throw std::bad_alloc();
  }

  // The count at this moment.
  [[nodiscard]] std::int64_t count() const { return count_; }

 private:
  std::int64_t count_ = 0;
  std::uint32_t waiters_ = 0;
  Sema sema_;
};

}  // namespace weft
