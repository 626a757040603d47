// M: an emulated OS thread. It has a g0, the fiber on which its scheduling loop runs, and at most one current G. M0 is the
// real thread: its g0 is that thread's own stack.
//
// Several Ms take turns on the one real thread; which one has it is Scheduler::current_m. Today there is M0 alone, and
// nothing outside Scheduler may assume so: whoever wants the current G asks through the current M.
#pragma once

#include <cstdint>

#include "scheduler/fiber.h"

namespace weft {

struct G;

struct M {
  std::int64_t id = 0;
  Fiber g0;
  G* current_g = nullptr;  // Running on this M, or nullptr while g0 does.
};

}  // namespace weft
