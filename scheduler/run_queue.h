// SPDX-License-Identifier: Apache-2.0
// The run queue: a ring of G pointers, first in first out. A ring and not a linked list, because
// the scheduler prefetches Gs that are a few places behind the head: with 100,000 Gs a switch costs
// what its cache misses cost, and a list would have to load one G to find the next.
//
// Invariants:
//   I1. The capacity is a power of two and at least the number of live Gs (reserve), so push never
//       allocates.
//   I2. A G is in the ring at most once: exactly while its state is runnable.
#pragma once

#include <cstddef>
#include <memory>

#include "base/check.h"

namespace weft {

struct G;

class RunQueue {
 public:
  [[nodiscard]] bool empty() const { return head_ == tail_; }
  [[nodiscard]] std::size_t size() const { return tail_ - head_; }

  // The i-th oldest, or nullptr past the end.
  [[nodiscard]] G* peek(std::size_t i) const {
    return i < size() ? ring_[(head_ + i) & mask_] : nullptr;
  }

  // The i-th oldest. Requires i < size().
  [[nodiscard]] G* peek_unchecked(std::size_t i) const { return ring_[(head_ + i) & mask_]; }

  void push(G& g) {
    WEFT_CHECK(tail_ - head_ <= mask_, "the run queue holds more Gs than there are");  // I1
    ring_[tail_++ & mask_] = &g;
  }

  // Puts one at the tail and takes the oldest, which is the same one when there is no other.
  G& rotate(G& g) {
    ring_[tail_++ & mask_] = &g;
    return pop();
  }

  // Takes the oldest. Requires !empty().
  G& pop() { return *ring_[head_++ & mask_]; }

  // Takes the i-th oldest and keeps the order of the others; O(i). Requires i < size(). For
  // choosers.
  G& take(std::size_t i) {
    WEFT_CHECK(i < size(), "a chooser chose a G that is not there");
    G& chosen = *ring_[(head_ + i) & mask_];
    for (; i > 0; --i) ring_[(head_ + i) & mask_] = ring_[(head_ + i - 1) & mask_];
    ++head_;
    return chosen;
  }

  // Makes the i-th oldest the last and keeps the order of the others; O(size() - i). Requires
  // i < size().
  void move_to_end(std::size_t i) {
    WEFT_CHECK(i < size(), "a G that is not in the run queue was to be moved");
    G* const moved = peek_unchecked(i);
    for (; i + 1 < size(); ++i) ring_[(head_ + i) & mask_] = ring_[(head_ + i + 1) & mask_];
    ring_[(tail_ - 1) & mask_] = moved;
  }

  // Makes room for `count` Gs (I1).
  void reserve(std::size_t count) {
    std::size_t capacity = mask_ + 1;
    if (ring_ != nullptr && count <= capacity) return;
    while (capacity < count || capacity < kCapacityMin) capacity *= 2;
    auto ring = std::make_unique<G*[]>(capacity);
    const std::size_t held = size();
    for (std::size_t i = 0; i < held; ++i) ring[i] = ring_[(head_ + i) & mask_];
    ring_ = std::move(ring);
    mask_ = capacity - 1;
    head_ = 0;
    tail_ = held;
  }

 private:
  static constexpr std::size_t kCapacityMin = 64;
  std::unique_ptr<G*[]> ring_;
  std::size_t mask_ = 0;
  std::size_t head_ = 0;  // Counts pops; head_ & mask_ is the oldest's place.
  std::size_t tail_ = 0;  // Counts pushes.
};

}  // namespace weft
