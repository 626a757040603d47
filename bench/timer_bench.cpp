// SPDX-License-Identifier: Apache-2.0
// What time costs: arming, cancelling and firing timers, Gs that sleep, and how late a sleeper
// wakes.
#include <memory>
#include <vector>

#include "bench/histogram.h"
#include "bench/world.h"

namespace weft::bench {
namespace {

struct CountingTimer : Timer {
  explicit CountingTimer(std::int64_t& counter) : Timer(&count), fired(counter) {}
  static void count(Timer& timer) { ++static_cast<CountingTimer&>(timer).fired; }
  std::int64_t& fired;
};

Duration spread(std::int64_t i) {
  return seconds(1'000 + i * 7'919 % 10'000);
}

// Arms a timer among state.range(0) others, and cancels it.
void timer_arm_cancel(benchmark::State& state) {
  World world;
  std::int64_t fired = 0;
  std::int64_t cancelled = 0;
  std::vector<std::unique_ptr<CountingTimer>> others;
  const Instant now = world.clock.now();
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    others.push_back(std::make_unique<CountingTimer>(fired));
    world.scheduler.arm(*others.back(), now + spread(i));
  }
  CountingTimer timer(fired);
  for (auto _ : state) {
    world.scheduler.arm(timer, now + seconds(5'000));
    cancelled += world.scheduler.cancel(timer) ? 1 : 0;
  }
  for (const auto& other : others) world.scheduler.cancel(*other);
  report(state, iterations(state), cancelled - fired);
}
BENCHMARK(timer_arm_cancel)->Name("timer/arm_cancel")->Arg(1)->Arg(1'000)->Arg(1'000'000);

// Arms state.range(0) timers in no order and fires them all.
void timer_arm_fire(benchmark::State& state) {
  const std::int64_t timers = state.range(0);
  std::int64_t fired = 0;
  std::vector<std::unique_ptr<CountingTimer>> all;
  all.reserve(static_cast<std::size_t>(timers));
  for (std::int64_t i = 0; i < timers; ++i) all.push_back(std::make_unique<CountingTimer>(fired));
  TimerHeap heap;
  heap.reserve(all.size());
  Instant now{};
  for (auto _ : state) {
    for (std::int64_t i = 0; i < timers; ++i) {
      heap.arm(*all[static_cast<std::size_t>(i)], now + spread(i));
    }
    now = now + seconds(20'000);
    heap.fire_due(now);
  }
  report(state, iterations(state) * timers, fired);
}
BENCHMARK(timer_arm_fire)->Name("timer/arm_fire")->Arg(1)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);

// state.range(0) Gs that sleep 1 ms again and again; the figure is the CPU time of one sleep.
void sleepers(benchmark::State& state) {
  LiveWorld world;
  bool done = false;
  std::int64_t slept = 0;
  std::int64_t before = 0;
  std::int64_t after = 0;
  for (std::int64_t i = 1; i < state.range(0); ++i) {
    world.go([&] {
      while (!done) {
        sleep_for(milliseconds(1));
        ++slept;
      }
    });
  }
  world.go([&] {
    sleep_for(milliseconds(1));
    before = slept;
    for (auto _ : state) {
      sleep_for(milliseconds(1));
      ++slept;
    }
    after = slept;
    done = true;
  });
  world.scheduler.run();
  report(state, after - before, after - before);
  if (after - before < iterations(state)) state.SkipWithError("a sleep was not counted");
}
BENCHMARK(sleepers)
    ->Name("sleepers")
    ->Arg(1)
    ->Arg(10)
    ->Arg(100)
    ->Arg(1'000)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(sleepers)->Name("sleepers")->Arg(1'000'000)->Iterations(3)->Unit(benchmark::kMillisecond);

// How long after its deadline a G that slept runs, alone in the process: mostly the kernel's timer.
void wake_up_latency(benchmark::State& state) {
  LiveWorld world;
  Histogram late;
  world.go([&] {
    for (auto _ : state) {
      const Instant deadline = now() + microseconds(100);
      sleep_until(deadline);
      late.record((now() - deadline).ns);
    }
  });
  world.scheduler.run();
  report(state, iterations(state), late.count());
  report_distribution(state, late);
}
BENCHMARK(wake_up_latency)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace weft::bench
