// SPDX-License-Identifier: Apache-2.0
// The run queue: first in, first out. With each G stands where it stopped, so that a switch to it
// needs nothing of the G itself: with 100,000 Gs a switch costs what its cache misses cost. A ring
// and not a linked list, because the scheduler prefetches the stacks of Gs that are a few places
// behind the head, and a list would have to load one G to find the next.
//
// Invariants:
//   I1. The capacity is a power of two and at least the number of live Gs (reserve), so push never
//       allocates.
//   I2. A G is in the ring at most once: exactly while its state is runnable.
//   I3. An entry's context is null exactly when its G has not run yet, and so has no stack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/check.h"
#include "base/inline.h"
#include "base/unwritten.h"
#include "scheduler/fiber.h"

namespace weft {

struct G;

// How often Scheduler::ready_next() puts a G before all others, and in how many switches: so Gs
// that ready each other hold nobody up for ever.
inline constexpr std::uint32_t kNextMax = 32;
inline constexpr std::uint64_t kNextWindow = 64;

// Counts that.
class NextTurns {
 public:
  // May one more go before all others?
  bool take(std::uint64_t switches) {
    if (const std::uint64_t window = switches / kNextWindow; window != window_) {
      window_ = window;
      taken_ = 0;
    }
    return taken_++ < kNextMax;
  }

 private:
  std::uint64_t window_ = 0;
  std::uint64_t taken_ = 0;
};

class RunQueue {
 public:
  struct Entry {
    G* g;
    FiberContext context;  // Where it stopped.
  };

  [[nodiscard]] bool empty() const { return head_ == tail_; }
  [[nodiscard]] std::size_t size() const { return (tail_ - head_) / kStep; }

  // The i-th oldest, or nullptr past the end.
  [[nodiscard]] G* peek(std::size_t i) const { return i < size() ? peek_unchecked(i) : nullptr; }

  // The i-th oldest. Requires i < size().
  [[nodiscard]] G* peek_unchecked(std::size_t i) const { return place(i).g; }

  // Puts a G at the tail. The caller writes its context to what is returned, or lets a switch write
  // it, before the entry becomes the oldest and before reserve().
  WEFT_INLINE FiberContext& push(G& g) {
    WEFT_CHECK(tail_ - head_ <= mask_, "the run queue holds more Gs than there are");  // I1
    return push_unchecked(g);
  }

  // For a G that was popped last and pushed not since: there is room.
  WEFT_INLINE FiberContext& push_unchecked(G& g) {
    Entry& entry = at(tail_);
    tail_ += kStep;
    entry.g = &g;
    return entry.context;
  }

  // Puts a G before the oldest. The caller writes its context to what is returned.
  FiberContext& push_next(G& g) {
    WEFT_CHECK(tail_ - head_ <= mask_, "the run queue holds more Gs than there are");  // I1
    head_ -= kStep;
    Entry& entry = at(head_);
    entry.g = &g;
    return entry.context;
  }

  // Takes the oldest. Requires !empty().
  WEFT_INLINE Entry pop() {
    const Entry oldest = at(head_);
    head_ += kStep;
    return oldest;
  }

  // Asks for the memory that a later switch needs, to the G 12 places behind the oldest: its saved
  // registers and the frame above them. Of few Gs all that is in a near cache anyway, and asking
  // costs more than it brings: 1.3 ns of 7 at 100 and 1,000.
  WEFT_INLINE void prefetch_stack() const {
    constexpr std::size_t kBehind = 12;
    constexpr std::size_t kFewGs = 2'048;
    if (tail_ - head_ > kFewGs * kStep) {
      // Null when the G has not run yet: a number then, since null + 64 is no pointer.
      const auto stack = reinterpret_cast<std::uintptr_t>(place(kBehind).context);
      __builtin_prefetch(reinterpret_cast<const void*>(stack), 1);
      __builtin_prefetch(reinterpret_cast<const void*>(stack + 64), 1);
    }
  }

  // Takes the i-th oldest and keeps the order of the others; O(i). Requires i < size(). For
  // choosers.
  Entry take(std::size_t i) {
    WEFT_CHECK(i < size(), "a chooser chose a G that is not there");
    const Entry chosen = place(i);
    for (; i > 0; --i) place(i) = place(i - 1);
    head_ += kStep;
    return chosen;
  }

  // Makes the i-th oldest the last and keeps the order of the others; O(size() - i). Requires
  // i < size().
  void move_to_end(std::size_t i) {
    WEFT_CHECK(i < size(), "a G that is not in the run queue was to be moved");
    const Entry moved = place(i);
    for (; i + 1 < size(); ++i) place(i) = place(i + 1);
    place(size() - 1) = moved;
  }

  // Makes room for `count` Gs (I1).
  void reserve(std::size_t count) {
    if (count > capacity()) resize(count);
  }
  [[nodiscard]] std::size_t capacity() const {
    return ring_ != nullptr ? (mask_ + kStep) / kStep : 0;
  }

 private:
  static constexpr std::size_t kCapacityMin = 64;

  // Places are counted in bytes: that saves a switch the multiplications.
  static constexpr std::size_t kStep = sizeof(Entry);

  [[nodiscard]] WEFT_INLINE Entry& at(std::size_t bytes) const {
    auto* ring = reinterpret_cast<std::byte*>(ring_.get());
    return *reinterpret_cast<Entry*>(ring + (bytes & mask_));
  }
  [[nodiscard]] Entry& place(std::size_t i) const { return at(head_ + i * kStep); }

  void resize(std::size_t count) {
    std::size_t capacity = kCapacityMin;
    while (capacity < count) capacity *= 2;
    auto ring = make_unwritten<Entry>(capacity);
    const std::size_t held = size();
    for (std::size_t i = 0; i < held; ++i) ring[i] = place(i);
    ring_ = std::move(ring);
    mask_ = (capacity - 1) * kStep;
    head_ = 0;
    tail_ = held * kStep;
  }

  std::unique_ptr<Entry[]> ring_;
  std::size_t mask_ = 0;
  std::size_t head_ = 0;  // By kStep: pops less push_nexts; head_ & mask_ is the oldest's place.
  std::size_t tail_ = 0;  // By kStep: pushes.
};

}  // namespace weft
