// SPDX-License-Identifier: Apache-2.0
// HostMemory: what weft keeps in its own memory on behalf of one guest, counted.
//
//   fd_readdir   the listing of a directory, until the descriptor is closed
//   poll_oneoff  the subscriptions, while the guest waits
//   fd_write ... the buffers' addresses, while the guest waits
//   stable files the inodes that a simulation has numbered for it, until it ends
//
// What is held beyond kFree counts as the guest's memory, in the same budget as its linear memory
// (--memory, --total-memory). The first kFree bytes are free, as the guest's G and its descriptors
// are: a guest whose linear memory fills its budget can still wait for a few hundred things. No
// guest holds more than kMax, also with a larger budget. A call that gets no memory returns ENOMEM.
//
// Invariants:
//   I1. charged_ == max(held_, kFree) - kFree, and so much is taken from the budget.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/budget.h"

namespace weft::wasip1 {

class HostMemory {
 public:
  static constexpr std::uint64_t kFree = std::uint64_t{64} << 10;
  static constexpr std::uint64_t kMax = std::uint64_t{64} << 20;

  // The budget must outlive this.
  explicit HostMemory(Budget& memory) : memory_(memory) {}
  ~HostMemory() { memory_.give_back(charged_); }
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;

  // Takes n bytes, or nothing and returns false.
  [[nodiscard]] bool take(std::uint64_t n) {
    if (n > kMax - held_) return false;
    const std::uint64_t more = beyond_free(held_ + n) - charged_;
    if (!memory_.take(more)) return false;
    held_ += n;
    charged_ += more;  // I1
    return true;
  }

  // Of what was taken.
  void give_back(std::uint64_t n) {
    WEFT_CHECK(n <= held_, "more host memory was given back than was taken");
    held_ -= n;
    memory_.give_back(charged_ - beyond_free(held_));
    charged_ = beyond_free(held_);  // I1
  }

  [[nodiscard]] std::uint64_t held() const { return held_; }

 private:
  static constexpr std::uint64_t beyond_free(std::uint64_t bytes) {
    return std::max(bytes, kFree) - kFree;
  }

  Budget& memory_;
  std::uint64_t held_ = 0;
  std::uint64_t charged_ = 0;
};

// So many bytes of a HostMemory, given back at the end. Must not outlive it.
class HeldMemory {
 public:
  HeldMemory() = default;
  explicit HeldMemory(HostMemory& from) : from_(&from) {}
  ~HeldMemory() { release(); }
  HeldMemory(HeldMemory&& other) noexcept
      : from_(other.from_), bytes_(std::exchange(other.bytes_, 0)) {}
  HeldMemory& operator=(HeldMemory&& other) noexcept {
    release();
    from_ = other.from_;
    bytes_ = std::exchange(other.bytes_, 0);
    return *this;
  }

  // Takes n bytes more. False: there are not so many.
  [[nodiscard]] bool grow(std::uint64_t n) {
    if (from_ != nullptr && !from_->take(n)) return false;
    bytes_ += n;
    return true;
  }

 private:
  void release() {
    if (from_ != nullptr && bytes_ > 0) from_->give_back(std::exchange(bytes_, 0));
  }

  HostMemory* from_ = nullptr;  // nullptr: not counted.
  std::uint64_t bytes_ = 0;
};

}  // namespace weft::wasip1
