// SPDX-License-Identifier: Apache-2.0
// Iovecs: an array of a guest's iovecs, checked and turned into the host's.
//
//   read() ─▶ all of them, copied ─▶ piece() ─▶ one call of the host ─▶ consume() ─▶ piece() ...
//
// A piece is what one call of the host gets: at most kIovecsPerCall buffers, and so few bytes that
// the call is short. A transfer is a loop over pieces, which gives the others a turn in between.
// The whole array is copied first: the bytes that are read may overwrite it.
//
// Limits: beyond kBytesPerCall bytes (or fewer) the transfer is short, as it may be. Empty buffers
// don't count. An array of more than kIovecsMax is EINVAL: so no guest makes weft walk four
// gigabytes of empty ones.
//
// Invariants:
//   I1. total_ is the sum of the buffers from first_ on, and of cut_, which the buffer at cut_at_
//       lacks while a piece is out.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "os/wasip1/host_memory.h"
#include "os/wasip1/memory.h"

namespace weft::wasip1 {

inline constexpr std::size_t kIovecsPerCall = 1024;  // IOV_MAX of Linux.
inline constexpr std::size_t kIovecsMax = 64 * 1024;
inline constexpr std::size_t kBytesPerCall =
    0x7fff'f000;  // MAX_RW_COUNT of Linux; fits the u32 that counts them.

inline std::size_t bytes_of(std::span<const iovec> buffers) {
  std::size_t sum = 0;
  for (const iovec& buffer : buffers) sum += buffer.iov_len;
  return sum;
}

class Iovecs {
 public:
  Iovecs() = default;
  // Counts what it holds. most: the bytes beyond which the transfer is short.
  explicit Iovecs(HostMemory& memory, std::size_t most = kBytesPerCall)
      : most_(most), held_(memory) {}

  // Reads `count` iovecs at `at`. EFAULT: the array or a buffer lies outside of memory. EINVAL:
  // more than kIovecsMax. ENOMEM: the guest makes weft hold too much.
  [[nodiscard]] Errno read(Memory memory, Size at, Size count);

  // How many bytes are left.
  [[nodiscard]] std::size_t total() const { return total_; }
  // How many buffers are left.
  [[nodiscard]] std::size_t size() const { return buffers().size() - first_; }

  // The first buffers that are left: at most kIovecsPerCall of them, with at most max bytes. Valid
  // until the next call of anything here.
  [[nodiscard]] std::span<const iovec> piece(std::size_t max);

  // Drops the first n bytes, which have been transferred. n <= total().
  void consume(std::size_t n);

 private:
  void add(std::span<std::byte> bytes);
  void mend_cut();
  [[nodiscard]] std::span<const iovec> buffers() const {
    return many_.empty() ? std::span(few_).first(used_) : std::span<const iovec>(many_);
  }
  [[nodiscard]] iovec* data() { return many_.empty() ? few_.data() : many_.data(); }

  std::array<iovec, 8> few_;  // Nearly every call has one or two: no allocation for those.
  std::size_t used_ = 0;
  std::vector<iovec> many_;  // All of them, once few_ overflowed.
  std::size_t first_ = 0;    // Of those that are left.
  const std::size_t most_ = kBytesPerCall;
  std::size_t total_ = 0;
  std::size_t cut_ = 0;  // I1
  std::size_t cut_at_ = 0;
  HeldMemory held_;
};

}  // namespace weft::wasip1
