// What every benchmark of the scheduler starts from: a scheduler on the system's clock whose poller
// has nothing to poll, so that what is measured is the scheduler.
//
// Goals: figures per operation that can be compared with other schedulers' on the same machine in
// the same run. Not goals: figures of one machine that mean anything on another; whole programs.
#pragma once

#include <benchmark/benchmark.h>

#include "os/clocks.h"
#include "scheduler/api.h"

namespace weft::bench {

class NoPoller final : public Poller {
 public:
  void poll(Instant) override {}
  [[nodiscard]] std::size_t waits() const override { return 0; }
  void wake() noexcept override {}
};

struct World {
  SystemClock clock;
  NoPoller poller;
  Scheduler scheduler{clock, poller};

  template <class F>
  void go(F&& f) {
    if (!scheduler.spawn(std::forward<F>(f))) std::abort();
  }
};

// Reports the time of one of the `n` operations that each iteration made.
inline void report_each(benchmark::State& state, std::int64_t n) {
  using benchmark::Counter;
  state.counters["each"] =
      Counter(static_cast<double>(n), Counter::kIsIterationInvariantRate | Counter::kInvert);
}

}  // namespace weft::bench
