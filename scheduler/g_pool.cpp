// SPDX-License-Identifier: Apache-2.0
#include "scheduler/g_pool.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <string>

#include "base/unwritten.h"
#include "scheduler/pages.h"

namespace weft {

static_assert(sizeof(GStack) <= 256, "a parked G and its frames should fit in one page");
static_assert(std::is_trivially_destructible_v<G>);

GPool::GPool(std::uint8_t index, std::size_t stack_bytes, GuardKind guard, M* const& current_m)
    : index_(index),
      current_m_(current_m),
      stacks_({.slot_bytes = stack_bytes, .header_bytes = sizeof(GStack), .guard = guard}) {}

GPool::~GPool() {
#if defined(WEFT_TSAN)
  for (std::size_t i = 0; i < stacks_.used(); ++i) {
    std::launder(reinterpret_cast<GStack*>(stacks_.slot(i).header))->notes.end();
  }
#endif
  for (G* slab : slabs_) pages::give_back(slab, kGsPerSlab * sizeof(G));
}

Status GPool::make_room() {
  if (Status reserved = stacks_.reserve(live_ + 1); !reserved) return reserved;
  room_ = stacks_.reserved();
  return Nothing{};
}

Result<G*> GPool::take_slowly() {
  if (live_ >= room_) {
    if (Status made = make_room(); !made) return made.error();
  }
  if (free_count_ == 0) return take_new();
  G* g = free_[--free_count_];
  low_ = std::min(low_, free_count_);
  returned_ = std::min(returned_, low_);
  g->pool = index_;  // Its memory may have been given back.
  ++live_;
  return g;
}

void GPool::end_period() {
  stacks_.end_period();
  const std::size_t cold = std::exchange(low_, free_count_);
  if (cold >= returned_ + kManyGs) return_gs(cold);
}

// The oldest `cold` of the free list are dead. Pages that hold no other G go back to the system; a
// dead G needs none: it is made new when it is handed out.
void GPool::return_gs(std::size_t cold) {
  constexpr std::size_t kPageBytes = 4096;
  constexpr std::size_t kGsPerPage = kPageBytes / sizeof(G);
  constexpr std::size_t kPagesPerSlab = kGsPerSlab / kGsPerPage;
  std::vector<G*> slabs = slabs_;
  std::sort(slabs.begin(), slabs.end());
  std::vector<std::uint8_t> dead(slabs.size() * kPagesPerSlab);
  for (std::size_t i = 0; i < cold; ++i) {
    const auto slab = std::upper_bound(slabs.begin(), slabs.end(), free_[i]) - slabs.begin() - 1;
    const auto in_slab = static_cast<std::size_t>(free_[i] - slabs[slab]);
    ++dead[static_cast<std::size_t>(slab) * kPagesPerSlab + in_slab / kGsPerPage];
  }
  for (std::size_t page = 0; page < dead.size();) {
    std::size_t end = page;
    while (end < dead.size() && dead[end] == kGsPerPage &&
           end / kPagesPerSlab == page / kPagesPerSlab)
      ++end;
    if (end > page) {
      G* const first = slabs[page / kPagesPerSlab] + page % kPagesPerSlab * kGsPerPage;
      pages::forget(first, (end - page) * kPageBytes);
    }
    page = std::max(end, page + 1);
  }
  returned_ = cold;
}

Result<G*> GPool::take_new() {
  if (made_ == free_capacity_) {  // I2. Nobody is free: nothing to copy.
    const std::size_t capacity = std::max<std::size_t>(2 * made_, 64);
    free_ = make_unwritten<G*>(capacity);
    free_capacity_ = capacity;
  }
  if (made_ == slabs_.size() * kGsPerSlab) {
    slabs_.reserve(slabs_.size() + 1);
    void* slab = pages::take(kGsPerSlab * sizeof(G));
    if (slab == nullptr) {
      return Error{std::string("no memory for another G: ") + std::strerror(errno)};
    }
    slabs_.push_back(static_cast<G*>(slab));
  }
  G* g = new (slabs_.back() + made_ % kGsPerSlab) G;
  g->pool = index_;
  ++made_;
  ++live_;
  return g;
}

}  // namespace weft
