// SPDX-License-Identifier: Apache-2.0
// Memory for the callables of Gs that are too large to lie in the G itself: blocks of 64 bytes to
// 1 KiB, aligned to 64. A block that was given back is the next one of its size; beyond a bound
// they go back to malloc, so that a burst does not stay. Under AddressSanitizer nothing is kept, so
// that a use of a callable after its end is found.
#pragma once

#include <bit>
#include <cstddef>
#include <new>

#include "base/sanitizers.h"

namespace weft {

class CallableBlocks {
 public:
  static constexpr std::size_t kAlignment = 64;
  static constexpr std::size_t kBytesMax = 1024;

  CallableBlocks() = default;
  CallableBlocks(const CallableBlocks&) = delete;
  CallableBlocks& operator=(const CallableBlocks&) = delete;
  ~CallableBlocks() {
    for (Class& c : classes_) {
      while (Free* block = c.free) {
        c.free = block->next;
        ::operator delete(block, std::align_val_t{kAlignment});
      }
    }
  }

  // A block of at least so many bytes, at most kBytesMax; nullptr when there is no memory.
  void* take(std::size_t bytes) noexcept {
    Class& c = classes_[class_of(bytes)];
    if (Free* block = c.free) {
      c.free = block->next;
      --c.count;
      return block;
    }
    return ::operator new(kAlignment << class_of(bytes), std::align_val_t{kAlignment},
                          std::nothrow);
  }

  // Takes back what take(bytes) gave.
  void give_back(void* block, [[maybe_unused]] std::size_t bytes) noexcept {
#if !defined(WEFT_ASAN)
    Class& c = classes_[class_of(bytes)];
    if (c.count < kKeptMax) {
      c.free = new (block) Free{c.free};
      ++c.count;
      return;
    }
#endif
    ::operator delete(block, std::align_val_t{kAlignment});
  }

 private:
  static constexpr std::size_t kKeptMax = 1024;  // Of each size.
  static constexpr std::size_t kClasses = 5;     // 64, 128, 256, 512, 1024.

  static constexpr std::size_t class_of(std::size_t bytes) {
    return static_cast<std::size_t>(std::bit_width((bytes - 1) / kAlignment));
  }

  struct Free {
    Free* next;
  };
  struct Class {
    Free* free = nullptr;
    std::size_t count = 0;
  };
  Class classes_[kClasses];
};

}  // namespace weft
