// SPDX-License-Identifier: Apache-2.0
#include "guest/go/lure.h"

namespace weft::guest::go {

using wasip1::Errno;

bool Lure::set(wasip1::Memory memory) {
  std::uint64_t guard = 0;
  if (running_ == 0 || memory.size() > kLure) return false;
  if (memory.load(running_ + guard_at_, guard) != Errno::success) return false;
  if (guard >= kStackPoisonMin) return false;
  is_set_ = true;
  if (guard != kLure) (void)memory.store(running_ + guard_at_, kLure);
  return true;
}

bool Lure::springs(std::uint32_t g, wasip1::Memory memory) {
  std::uint64_t guard = 0;
  if (!is_set_ || g != running_) return false;
  if (memory.load(g + guard_at_, guard) != Errno::success) return false;
  is_set_ = false;
  if (guard != kLure) return false;  // The stack was moved meanwhile.
  (void)memory.store(g + guard_at_, kStackPreempt);
  return true;
}

}  // namespace weft::guest::go
