// SPDX-License-Identifier: Apache-2.0
// Timers: a 4-ary min-heap ordered by deadline, then by the order of arming, so timers that are due
// together fire in the order in which they were armed. Four children a node keep the heap half as
// deep as a binary one and a node's children in one or two cache lines.
//
// A Timer belongs to the code that arms it (a G's sleep, a guest's deadline) and must stay where it
// is until it has fired or been cancelled. Arming allocates only when the heap outgrows its
// capacity: see reserve().
//
// Invariants:
//   I1. For every entry i > 0: entry (i - 1) / 4 is not after entry i.
//   I2. For every entry i: heap_[i].timer->index_ == i.
//       A Timer that is not armed has index_ == kNotArmed.
#pragma once

#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/instant.h"

namespace weft {

class Timer {
 public:
  // Called by the scheduler's loop on an M's g0, never on a G. It may ready Gs and arm timers; it
  // must not park.
  using Fire = void (*)(Timer& timer);

  explicit Timer(Fire fire) : fire_(fire) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { WEFT_CHECK(!armed(), "a timer died while it was armed"); }

  [[nodiscard]] bool armed() const { return index_ != kNotArmed; }

 private:
  friend class TimerHeap;
  static constexpr std::uint32_t kNotArmed = UINT32_MAX;
  Fire fire_;
  std::uint32_t index_ = kNotArmed;
};

class TimerHeap {
 public:
  TimerHeap() = default;
  TimerHeap(const TimerHeap&) = delete;
  TimerHeap& operator=(const TimerHeap&) = delete;
  ~TimerHeap() { WEFT_CHECK(heap_.empty(), "a timer heap died with armed timers"); }

  // Makes room for `count` timers, so that arming up to that many allocates nothing.
  void reserve(std::size_t count);

  // Arms a timer that is not armed. Any deadline is good; one that has passed fires at the next
  // look.
  void arm(Timer& timer, Instant deadline);

  // Disarms a timer; returns false when it was not armed (it has fired, or never was).
  bool cancel(Timer& timer);

  // Fires every timer due at `now`, earliest first. Timers armed meanwhile wait for the next call
  // even when they are due, so a timer that re-arms itself cannot keep the loop here. Returns how
  // many fired.
  std::size_t fire_due(Instant now);

  // The earliest deadline, or Instant::far_future() when no timer is armed.
  [[nodiscard]] Instant next_deadline() const {
    return heap_.empty() ? Instant::far_future() : heap_.front().deadline;
  }
  [[nodiscard]] bool empty() const { return heap_.empty(); }
  [[nodiscard]] std::size_t size() const { return heap_.size(); }

 private:
  struct Entry {
    Instant deadline;
    std::uint64_t sequence;
    Timer* timer;
  };
  static bool before(const Entry& a, const Entry& b) {
    return a.deadline != b.deadline ? a.deadline < b.deadline : a.sequence < b.sequence;
  }
  void place(std::size_t index, const Entry& entry) {
    heap_[index] = entry;
    entry.timer->index_ = static_cast<std::uint32_t>(index);  // I2
  }
  void sift_up(std::size_t index, Entry entry);
  void sift_down(std::size_t index, Entry entry);
  void remove(std::size_t index);

  std::vector<Entry> heap_;
  std::uint64_t armed_ever_ = 0;
  // Deadlines before this are taken as this, so that a timer that re-arms itself for the past comes
  // after everything else that is due.
  Instant fired_up_to_ = Instant::far_past();
};

}  // namespace weft
