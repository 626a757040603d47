// SPDX-License-Identifier: Apache-2.0
#include "os/wasip1/iovecs.h"

#include <algorithm>

#include "base/check.h"

namespace weft::wasip1 {

Errno Iovecs::read(Memory memory, Size at, Size count) {
  if (count > kIovecsMax) return Errno::inval;
  WEFT_WASI_TRY(memory.check<Iovec>(at, count));
  if (count > few_.size()) {
    if (!held_.grow(count * sizeof(iovec))) return Errno::nomem;
    many_.reserve(count);
  }
  for (Size i = 0; i < count; ++i) {
    Iovec element;
    WEFT_WASI_TRY(memory.load(static_cast<Size>(at + i * sizeof(Iovec)), element));
    std::span<std::byte> buffer;
    WEFT_WASI_TRY(memory.bytes(element.buf, element.buf_len, buffer));
    add(buffer.first(std::min(buffer.size(), most_ - total_)));
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

std::span<const iovec> Iovecs::piece(std::size_t max) {
  mend_cut();
  iovec* const buffers = data() + first_;
  const std::size_t count = std::min(size(), kIovecsPerCall);
  std::size_t taken = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (taken == max) return {buffers, i};
    const std::size_t room = max - taken;
    if (buffers[i].iov_len > room) {
      cut_ = buffers[i].iov_len - room;  // I1
      cut_at_ = first_ + i;
      buffers[i].iov_len = room;
    }
    taken += buffers[i].iov_len;
  }
  return {buffers, count};
}

void Iovecs::mend_cut() {
  if (cut_ == 0) return;
  data()[cut_at_].iov_len += cut_;
  cut_ = 0;
}

void Iovecs::consume(std::size_t n) {
  WEFT_CHECK(n <= total_, "more bytes were transferred than there were");
  mend_cut();
  total_ -= n;
  iovec* const all = data();
  for (; n > 0 && n >= all[first_].iov_len; ++first_) n -= all[first_].iov_len;
  if (n == 0) return;
  all[first_].iov_base = static_cast<std::byte*>(all[first_].iov_base) + n;
  all[first_].iov_len -= n;
}

}  // namespace weft::wasip1
