// SPDX-License-Identifier: Apache-2.0
// The 4-ary heap of scheduler/timers.h.
#include "scheduler/timers.h"

#include <algorithm>

namespace weft {
namespace {
constexpr std::size_t kArity = 4;
}

void TimerHeap::reserve(std::size_t count) {
  // Doubling here keeps a caller that reserves one more each time from copying the heap each time.
  if (count > heap_.capacity()) heap_.reserve(std::max(count, heap_.capacity() * 2));
}

void TimerHeap::arm(Timer& timer, Instant deadline) {
  WEFT_CHECK(!timer.armed(), "an armed timer was armed again");
  WEFT_CHECK(heap_.size() < Timer::kNotArmed, "more than 2^32 timers");
  const Entry entry{std::max(deadline, fired_up_to_), armed_ever_++, &timer};
  heap_.push_back(entry);
  sift_up(heap_.size() - 1, entry);
}

bool TimerHeap::cancel(Timer& timer) {
  if (!timer.armed()) return false;
  WEFT_CHECK(heap_[timer.index_].timer == &timer, "a timer of another scheduler was cancelled");
  remove(timer.index_);
  return true;
}

std::size_t TimerHeap::fire_due(Instant now) {
  const std::uint64_t armed_before = armed_ever_;
  fired_up_to_ = std::max(fired_up_to_, now);
  std::size_t fired = 0;
  while (!heap_.empty() && heap_.front().deadline <= now && heap_.front().sequence < armed_before) {
    Timer& timer = *heap_.front().timer;
    remove(0);
    timer.fire_(timer);
    ++fired;
  }
  return fired;
}

void TimerHeap::sift_up(std::size_t index, Entry entry) {
  while (index > 0) {
    const std::size_t parent = (index - 1) / kArity;
    if (!before(entry, heap_[parent])) break;
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, entry);  // I1
}

void TimerHeap::sift_down(std::size_t index, Entry entry) {
  for (;;) {
    const std::size_t first = index * kArity + 1;
    if (first >= heap_.size()) break;
    const std::size_t last = std::min(first + kArity, heap_.size());
    std::size_t least = first;
    for (std::size_t child = first + 1; child < last; ++child) {
      if (before(heap_[child], heap_[least])) least = child;
    }
    if (!before(heap_[least], entry)) break;
    place(index, heap_[least]);
    index = least;
  }
  place(index, entry);  // I1
}

void TimerHeap::remove(std::size_t index) {
  heap_[index].timer->index_ = Timer::kNotArmed;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (index == heap_.size()) return;
  if (index > 0 && before(last, heap_[(index - 1) / kArity])) {
    sift_up(index, last);
  } else {
    sift_down(index, last);
  }
}

}  // namespace weft
