// SPDX-License-Identifier: Apache-2.0
// Iovecs: an array of a guest's iovecs, checked and turned into the host's.
//
// Limits: the host takes kIovecsPerCall buffers and kBytesPerCall bytes in a call. What is beyond
// is left for the guest's next call: the transfer is short, as it may be. Empty buffers don't
// count. An array of more than kIovecsMax is EINVAL, so that no guest makes weft walk four
// gigabytes of empty ones.
#pragma once

#include <sys/uio.h>

#include <array>
#include <span>
#include <vector>

#include "os/wasip1/memory.h"
#include "os/wasip1/process.h"

namespace weft::wasip1 {

inline constexpr std::size_t kIovecsPerCall = 1024;  // IOV_MAX of Linux.
inline constexpr std::size_t kIovecsMax = 64 * 1024;
inline constexpr std::size_t kBytesPerCall =
    0x7fff'f000;  // MAX_RW_COUNT of Linux; fits the u32 that counts them.

class Iovecs {
 public:
  // Reads `count` iovecs at `at`. EFAULT: the array or a buffer lies outside of memory (all are
  // checked, those beyond the limits too). EINVAL: more than kIovecsMax.
  [[nodiscard]] Errno read(Memory memory, Size at, Size count);

  [[nodiscard]] std::span<const iovec> host() const {
    return many_.empty() ? std::span(few_).first(used_) : std::span<const iovec>(many_);
  }
  [[nodiscard]] std::size_t total() const { return total_; }

  // Drops the first n bytes, which have been transferred. n <= total().
  void consume(std::size_t n);

  // Drops all but the first n bytes.
  void truncate(std::size_t n);

 private:
  void add(std::span<std::byte> bytes);
  [[nodiscard]] std::size_t size() const { return many_.empty() ? used_ : many_.size(); }

  std::array<iovec, 8> few_;  // Nearly every call has one or two: no allocation for those.
  std::size_t used_ = 0;
  std::vector<iovec> many_;  // All of them, once few_ overflowed.
  std::size_t total_ = 0;
};

// Drops what is more than the guest may write yet. Returns false when there is something to write
// and it may write nothing. Others may have written when it has waited: ask again then.
[[nodiscard]] bool cut_to_budget(const Budget& output, Iovecs& iovecs);

}  // namespace weft::wasip1
