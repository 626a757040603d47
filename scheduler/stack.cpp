// SPDX-License-Identifier: Apache-2.0
// Slabs of stacks and their guard pages: see the picture in scheduler/stack.h.
#include "scheduler/stack.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/sanitizers.h"
#include "base/unwritten.h"
#include "scheduler/pages.h"

#if defined(WEFT_ASAN)
#include <sanitizer/asan_interface.h>
#endif

namespace weft {
namespace {

constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kColourBits =
    5;  // 32 lines, 2 KiB: a parked G with its frames still fits in one page.
constexpr std::size_t kKeptBytes = 8 * 1024;  // Colour, header and the frames of most.
constexpr std::size_t kSlabBytesMax = 1024 * 1024 * 1024;

// The lowest bits of a slot's index in reverse: 0, 16, 8, 24, 4, ...
std::size_t colour_of(std::size_t index) {
  std::size_t colour = 0;
  for (std::size_t bit = 0; bit < kColourBits; ++bit) {
    colour |= ((index >> bit) & 1) << (kColourBits - 1 - bit);
  }
  return colour;
}

// Heavy guards that are left, for all pools of the process together.
std::atomic<std::size_t>& process_budget() {
  static std::atomic<std::size_t> left = pages::heavy_guards_max();
  return left;
}

}  // namespace

StackPool::StackPool(const Config& config) : config_(config), guard_(config.guard) {
  WEFT_CHECK(std::has_single_bit(config.slot_bytes) && config.slot_bytes >= 16 * 1024,
             "a stack's size must be a power of two of at least 16 KiB");
  WEFT_CHECK(config.header_bytes % kCacheLine == 0, "a header must be whole cache lines");
  if (guard_ == GuardKind::automatic) {
    guard_ = pages::has_light_guards() ? GuardKind::madvise : GuardKind::mprotect;
  }
}

StackPool::~StackPool() {
  if (config_.mprotect_guards_max == 0) process_budget() += mprotect_guards_;
#if defined(WEFT_ASAN)
  // The next mapping at this address must not find our poison.
  for (std::size_t i = 0; i < used_; ++i) {
    const Slot s = slot(i);
    ASAN_UNPOISON_MEMORY_REGION(s.bottom, static_cast<std::size_t>(s.header - s.bottom));
  }
#endif
  for (const Slab& slab : slabs_) pages::give_back(slab.base, slab.slots * stride());
}

std::size_t StackPool::stride() const {
  return pages::bytes() + config_.slot_bytes;
}

// At least so many slots, and twice as many as there are if the system has them.
Status StackPool::add_slab(std::size_t slots_needed) {
  const std::size_t doubled = slabs_.empty() ? pages::kFirstSlabBytes : capacity_ * stride();
  std::size_t slots = std::max(std::min(doubled, kSlabBytesMax) / stride(), slots_needed);
  void* base = nullptr;
  std::size_t bytes = 0;
  for (;; slots = std::max(slots / 2, slots_needed)) {
    bytes = slots * stride();
    base = pages::take(bytes);
    if (base != nullptr || slots == slots_needed) break;
  }
  if (base == nullptr) {
    return refused_by_host("no address space for another " + std::to_string(bytes / 1024) +
                           " KiB of stacks: " + std::strerror(errno));
  }
  pages::never_huge(base, bytes);
  slabs_.push_back({static_cast<std::byte*>(base), capacity_, slots});
  capacity_ += slots;
  return Nothing{};
}

void StackPool::install_guard(std::byte* page) {
  if (guard_ == GuardKind::madvise && pages::guard_lightly(page)) return;
  if (guard_ != GuardKind::none && take_from_budget() && pages::guard_heavily(page)) return;
  ++unguarded_;
  first_unguarded_ = std::min(first_unguarded_, used_);
}

bool StackPool::take_from_budget() {
  if (config_.mprotect_guards_max != 0) {
    if (mprotect_guards_ == config_.mprotect_guards_max) return false;
  } else {
    std::size_t left = process_budget().load();
    do {
      if (left == 0) return false;
    } while (!process_budget().compare_exchange_weak(left, left - 1));
  }
  ++mprotect_guards_;
  return true;
}

Status StackPool::reserve(std::size_t count) {
  if (count <= capacity_) [[likely]]
    return Nothing{};
  slabs_.reserve(slabs_.size() + 1);
  if (Status added = add_slab(count - capacity_); !added) return added;
  auto free = make_unwritten<Slot>(capacity_);  // I3
  std::copy_n(free_.get(), free_count_, free.get());
  free_ = std::move(free);
  return Nothing{};
}

// The list is empty, or holds fewer than ever in this period.
StackPool::Taken StackPool::take_cold() {
  if (free_count_ == 0) return {next_unused(), true};
  const Slot slot = free_[--free_count_];
  low_ = free_count_;
  shallow_ = std::min(shallow_, low_);
  const bool is_blank = low_ < blank_;
  blank_ = std::min(blank_, low_);
  return {slot, is_blank};
}

void StackPool::end_period() {
  cold_ = low_;
  low_ = free_count_;
}

bool StackPool::return_some() {
#if defined(WEFT_TSAN)
  return false;  // What TSan knows of a fiber lies in the header.
#endif
  const std::size_t cold = std::min(cold_, low_);
  const std::size_t blank_goal = cold > kWarmSlots ? cold - kWarmSlots : 0;
  if (blank_ < blank_goal) {
    const std::size_t to = std::min(blank_ + kSlotsPerStep, blank_goal);
    return_memory(std::exchange(blank_, to), to, 0);
    shallow_ = std::max(shallow_, blank_);
    return true;
  }
  if (shallow_ < cold) {
    const std::size_t to = std::min(shallow_ + kSlotsPerStep, cold);
    return_memory(std::exchange(shallow_, to), to, kKeptBytes);
    return true;
  }
  return false;
}

// All except the last kept_bytes of the free slots [from, to). Neighbours go together: guards stay.
void StackPool::return_memory(std::size_t from, std::size_t to, std::size_t kept_bytes) {
  std::array<std::byte*, kSlotsPerStep> bottoms;
  std::size_t count = 0;
  for (std::size_t i = from; i < to; ++i) bottoms[count++] = free_[i].bottom;
  std::sort(bottoms.begin(), bottoms.begin() + count);
  for (std::size_t i = 0; i < count;) {
    std::size_t end = i + 1;
    while (kept_bytes == 0 && end < count && bottoms[end] == bottoms[end - 1] + stride()) ++end;
    const std::size_t bytes = (end - i) * stride() - pages::bytes() - kept_bytes;
    pages::forget(bottoms[i], bytes);
    i = end;
  }
}

Result<StackPool::Slot> StackPool::fresh() {
  if (Status reserved = reserve(used_ + 1); !reserved) return reserved.error();
  return next_unused();
}

StackPool::Slot StackPool::next_unused() {
  const Slot slot = this->slot(used_);
  install_guard(slot.bottom - pages::bytes());
  ++used_;
  return slot;
}

const StackPool::Slab& StackPool::slab_of(std::size_t index) const {
  const auto after = std::upper_bound(slabs_.begin(), slabs_.end(), index,
                                      [](std::size_t i, const Slab& s) { return i < s.first; });
  return *(after - 1);
}

StackPool::Slot StackPool::slot(std::size_t index) const {
  WEFT_CHECK(index < capacity_, "a slot that does not exist was asked for");
  const Slab& slab = slab_of(index);
  std::byte* low = slab.base + (index - slab.first) * stride();
  const std::size_t colour = colour_of(index) * kCacheLine;
  return {low + pages::bytes(), low + stride() - colour - config_.header_bytes};
}

bool StackPool::is_guarded(const std::byte* bottom) const {
  if (unguarded_ == 0) return true;
  for (const Slab& slab : slabs_) {
    if (bottom < slab.base || bottom >= slab.base + slab.slots * stride()) continue;
    const auto offset = static_cast<std::size_t>(bottom - slab.base);
    return slab.first + offset / stride() < first_unguarded_;
  }
  return false;
}

bool StackPool::in_guard(const void* address) const {
  const auto* byte = static_cast<const std::byte*>(address);
  for (const Slab& slab : slabs_) {
    if (byte < slab.base || byte >= slab.base + slab.slots * stride()) continue;
    return static_cast<std::size_t>(byte - slab.base) % stride() < pages::bytes();
  }
  return false;
}

}  // namespace weft
