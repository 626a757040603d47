// SPDX-License-Identifier: Apache-2.0
#include "guest/go/preemption.h"

namespace weft::guest::go {

void Preemption::entered(Entry entry, std::uint32_t sp, std::uint32_t g,
                         wasip1::Memory memory) noexcept {
  if (entry == kPrologue) return at_prologue(g, memory);
  switch (entry) {
    case Entry::execute: {
      std::uint8_t inherits_time = 0;
      (void)memory.load(sp + kArguments + 8, inherits_time);
      lure_.execute(gets_thread(entry, sp, memory, runtime_.offsets), memory);
      if (inherits_time == 0) had_ = {};
      asked_ = false;
      break;
    }
    case Entry::coroswitch:
      lure_.coroswitch(gets_thread(entry, sp, memory, runtime_.offsets), memory);
      asked_ = false;
      break;
    case Entry::morestack:
      asked_ = lure_.springs(g, memory);
      if (asked_ && each_ != 0) begin_again_.insert(g);
      break;
    case Entry::gosched:
      if (asked_) ++count_;
      asked_ = false;
      break;
    default:
      break;
  }
}

// On the stack of the scheduler g is another one.
void Preemption::at_prologue(std::uint32_t g, wasip1::Memory memory) {
  if (g != lure_.running() || begin_again_.erase(g) != 0 || ++seen_ < each_) return;
  seen_ = 0;
  (void)lure_.set(memory);
}

void Preemption::ran(Duration time, wasip1::Memory memory) noexcept {
  had_.ns += time.ns;
  // It has been asked before where the runtime could not be interrupted: then once more.
  if (had_ >= kGoroutineSlice && lure_.set(memory)) asked_ = false;
}

}  // namespace weft::guest::go
