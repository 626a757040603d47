// The Chooser: the one place that decides what runs next when more than one thing could.
//
// Without one the scheduler is strictly FIFO and pays nothing for the possibility. With one, every
// choice that the order of events leaves open goes through it: that is what makes a run a function
// of its inputs and a seed.
#pragma once

#include <cstddef>

#include "scheduler/run_queue.h"

namespace weft {

class Chooser {
 public:
  virtual ~Chooser() = default;

  // Which of the runnable Gs runs next: an index into the queue, 0 for the oldest. Never called
  // with an empty queue.
  virtual std::size_t next_g(const RunQueue& queue) noexcept = 0;
};

}  // namespace weft
