// What it costs to hand something over: channels, select, a mutex, timers.
#include <memory>
#include <vector>

#include "bench/world.h"
#include "scheduler/chan.h"
#include "scheduler/mutex.h"
#include "scheduler/select.h"

namespace weft::bench {
namespace {

// A value there and another back, over two channels.
void chan_round_trip(benchmark::State& state) {
  World world;
  const auto capacity = static_cast<std::size_t>(state.range(0));
  auto there = make_chan<std::int64_t>(capacity);
  auto back = make_chan<std::int64_t>(capacity);
  std::int64_t sum = 0;
  world.go([there, back]() mutable {
    for (const std::int64_t value : there) back.send(value + 1);
    back.close();
  });
  world.go([&] {
    for (auto _ : state) {
      there.send(1);
      sum += back.recv().value();
    }
    there.close();
  });
  world.scheduler.run();
  if (sum != 2 * static_cast<std::int64_t>(state.iterations())) state.SkipWithError("lost a value");
  report_each(state, 1);
}
BENCHMARK(chan_round_trip)->Name("chan/round_trip")->Arg(0)->Arg(1);

// Two Gs that take turns under a mutex, each yielding while it holds it.
void mutex_hand_off(benchmark::State& state) {
  World world;
  mutex m;
  bool done = false;
  world.go([&] {
    while (!done) {
      m.lock();
      yield();
      m.unlock();
    }
  });
  world.go([&] {
    for (auto _ : state) {
      m.lock();
      yield();
      m.unlock();
    }
    done = true;
  });
  world.scheduler.run();
  report_each(state, 1);
}
BENCHMARK(mutex_hand_off)->Name("mutex/hand_off");

// Arms a timer among state.range(0) others, and cancels it.
void timer_arm_cancel(benchmark::State& state) {
  World world;
  struct Idle : Timer {
    Idle() : Timer([](Timer&) {}) {}
  };
  std::vector<std::unique_ptr<Idle>> others;
  const Instant now = world.clock.now();
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    others.push_back(std::make_unique<Idle>());
    world.scheduler.arm(*others.back(), now + seconds(1'000 + i * 7'919 % 10'000));
  }
  Idle timer;
  for (auto _ : state) {
    world.scheduler.arm(timer, now + seconds(5'000));
    world.scheduler.cancel(timer);
  }
  for (const auto& other : others) world.scheduler.cancel(*other);
  report_each(state, 1);
}
BENCHMARK(timer_arm_cancel)->Name("timer/arm_cancel")->Arg(1)->Arg(1'000)->Arg(1'000'000);

}  // namespace
}  // namespace weft::bench
