// SPDX-License-Identifier: Apache-2.0
#include "os/wasip1/iovecs.h"

#include <algorithm>

#include "base/check.h"

namespace weft::wasip1 {

Errno Iovecs::read(Memory memory, Size at, Size count) {
  if (count > kIovecsMax) return Errno::inval;
  WEFT_WASI_TRY(memory.check<Iovec>(at, count));
  for (Size i = 0; i < count; ++i) {
    Iovec element;
    WEFT_WASI_TRY(memory.load(static_cast<Size>(at + i * sizeof(Iovec)), element));
    std::span<std::byte> buffer;
    WEFT_WASI_TRY(memory.bytes(element.buf, element.buf_len, buffer));
    if (size() < kIovecsPerCall && total_ < kBytesPerCall) {
      add(buffer.first(std::min(buffer.size(), kBytesPerCall - total_)));
    }
  }
  return Errno::success;
}

void Iovecs::add(std::span<std::byte> bytes) {
  if (bytes.empty()) return;
  const iovec element{bytes.data(), bytes.size()};
  if (many_.empty() && used_ < few_.size()) {
    few_[used_++] = element;
  } else {
    if (many_.empty()) many_.assign(few_.begin(), few_.end());
    many_.push_back(element);
  }
  total_ += bytes.size();
}

void Iovecs::consume(std::size_t n) {
  WEFT_CHECK(n <= total_, "more bytes were transferred than there were");
  total_ -= n;
  iovec* const first = many_.empty() ? few_.data() : many_.data();
  std::size_t done = 0;
  for (; n > 0 && n >= first[done].iov_len; ++done) n -= first[done].iov_len;
  if (n > 0) {
    first[done].iov_base = static_cast<std::byte*>(first[done].iov_base) + n;
    first[done].iov_len -= n;
  }
  if (many_.empty()) {
    std::copy(few_.begin() + static_cast<std::ptrdiff_t>(done),
              few_.begin() + static_cast<std::ptrdiff_t>(used_), few_.begin());
    used_ -= done;
  } else {
    many_.erase(many_.begin(), many_.begin() + static_cast<std::ptrdiff_t>(done));
    if (many_.empty()) used_ = 0;
  }
}

void Iovecs::truncate(std::size_t n) {
  if (n >= total_) return;
  total_ = n;
  iovec* const first = many_.empty() ? few_.data() : many_.data();
  std::size_t kept = 0;
  while (n > 0) {
    first[kept].iov_len = std::min(first[kept].iov_len, n);
    n -= first[kept++].iov_len;
  }
  if (many_.empty()) {
    used_ = kept;
  } else {
    many_.resize(kept);
    if (many_.empty()) used_ = 0;
  }
}

bool cut_to_budget(const Budget& output, Iovecs& iovecs) {
  const std::uint64_t left = output.left();
  if (left >= iovecs.total()) return true;
  iovecs.truncate(left);
  return left > 0;
}

}  // namespace weft::wasip1
