// SPDX-License-Identifier: Apache-2.0
#include "guest/go/lure.h"

namespace weft::guest::go {

using wasip1::Errno;

void Lure::execute(std::uint32_t g, wasip1::Memory memory) {
  take_away(memory);
  running_ = g;
}

void Lure::coroswitch(std::uint32_t g, wasip1::Memory memory) {
  const bool is_asked = is_set_;
  execute(g, memory);
  if (is_asked) (void)set(memory);
}

// A guard that is another one now has been written since: the stack was moved.
void Lure::take_away(wasip1::Memory memory) {
  if (!is_set_) return;
  is_set_ = false;
  std::uint64_t guard = 0;
  const std::uint32_t at = running_ + guard_at_;
  if (memory.load(at, guard) == Errno::success && guard == kLure) (void)memory.store(at, guard_);
}

bool Lure::set(wasip1::Memory memory) {
  std::uint64_t guard = 0;
  const std::uint32_t at = running_ + guard_at_;
  if (running_ == 0 || memory.size() > kLure) return false;
  if (memory.load(at, guard) != Errno::success) return false;
  if (guard >= kStackPoisonMin) return false;
  is_set_ = true;
  if (guard == kLure) return true;
  guard_ = guard;
  (void)memory.store(at, kLure);
  return true;
}

bool Lure::springs(std::uint32_t g, wasip1::Memory memory) {
  std::uint64_t guard = 0;
  const std::uint32_t at = g + guard_at_;
  if (!is_set_ || g != running_) return false;
  if (memory.load(at, guard) != Errno::success) return false;
  is_set_ = false;
  if (guard != kLure) return false;  // The stack was moved meanwhile.
  (void)memory.store(at, kStackPreempt);
  return true;
}

}  // namespace weft::guest::go
