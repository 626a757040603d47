// SPDX-License-Identifier: Apache-2.0
// What every benchmark of the scheduler starts from, and how it reports.
//
// Goals: figures per operation that can be compared with other schedulers' on the same machine in
// the same run. Not goals: figures of one machine that mean anything on another; whole programs.
//
// Every benchmark counts its operations. The Gs that do the work make a checksum that follows from
// that number. A benchmark whose checksum is wrong fails: it did not do what it timed.
#pragma once

#include <benchmark/benchmark.h>

#include "os/clocks.h"
#include "os/reactor.h"
#include "scheduler/api.h"

namespace weft::bench {

class NoPoller final : public Poller {
 public:
  void poll(Instant) override {}
  [[nodiscard]] std::size_t waits() const override { return 0; }
  void wake() noexcept override {}
  [[nodiscard]] bool is_quiet() const override { return true; }
};

// A scheduler on the system's clock. With NoPoller there is nothing to poll, so that what is
// measured is the scheduler; with Reactor it waits for time and descriptors as programs do.
template <class P>
struct WorldOn {
  SystemClock clock;
  P poller;
  Scheduler scheduler{clock, poller};

  template <class F>
  void go(F&& f) {
    if (!scheduler.spawn(std::forward<F>(f))) std::abort();
  }
};
using World = WorldOn<NoPoller>;
using LiveWorld = WorldOn<Reactor>;

// Reports the time of one of `operations` in all. `checksum` must be `expected`.
inline void report(benchmark::State& state, std::int64_t operations, std::int64_t checksum,
                   std::int64_t expected) {
  using benchmark::Counter;
  state.counters["each"] =
      Counter(static_cast<double>(operations), Counter::kIsRate | Counter::kInvert);
  state.counters["operations"] = static_cast<double>(operations);
  state.counters["checksum"] = static_cast<double>(checksum);
  if (checksum != expected) state.SkipWithError("the checksum says that work was lost");
}

// The same where the checksum is the number of operations.
inline void report(benchmark::State& state, std::int64_t operations, std::int64_t checksum) {
  report(state, operations, checksum, operations);
}

inline std::int64_t iterations(const benchmark::State& state) {
  return static_cast<std::int64_t>(state.iterations());
}

}  // namespace weft::bench
