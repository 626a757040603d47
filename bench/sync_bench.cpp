// SPDX-License-Identifier: Apache-2.0
// What it costs to hand something over: channels, select, a mutex.
#include <array>
#include <mutex>
#include <utility>

#include "bench/world.h"
#include "scheduler/sync/chan.h"
#include "scheduler/sync/mutex.h"
#include "scheduler/sync/select.h"

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
    for (const std::int64_t value : there) back.send(value);
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
  report(state, iterations(state), sum);
}
BENCHMARK(chan_round_trip)->Name("chan/round_trip")->Arg(0)->Arg(1);

// Values through eight Gs, each of which adds one.
void pipeline(benchmark::State& state) {
  constexpr std::int64_t kStages = 8;
  World world;
  const auto capacity = static_cast<std::size_t>(state.range(0));
  const auto first = make_chan<std::int64_t>(capacity);
  auto last = first;
  for (std::int64_t i = 0; i < kStages; ++i) {
    auto next = make_chan<std::int64_t>(capacity);
    world.go([from = last, to = next]() mutable {
      for (const std::int64_t value : from) to.send(value + 1);
      to.close();
    });
    last = next;
  }
  std::int64_t sum = 0;
  world.go([to = first, &state]() mutable {
    for (auto _ : state) to.send(0);
    to.close();
  });
  world.go([from = last, &sum]() mutable {
    for (const std::int64_t value : from) sum += value;
  });
  world.scheduler.run();
  report(state, iterations(state), sum, kStages * iterations(state));
}
BENCHMARK(pipeline)->Name("pipeline")->Arg(0)->Arg(16);

// Receives from the one of kChannels that has a value; another G sends to each in turn.
template <std::size_t... I>
void select_of(benchmark::State& state, std::index_sequence<I...>) {
  constexpr std::size_t kChannels = sizeof...(I);
  World world;
  std::array<chan<std::int64_t>, kChannels> channels;
  for (auto& channel : channels) channel = make_chan<std::int64_t>();
  bool done = false;
  std::int64_t sum = 0;
  world.go([&] {
    std::size_t i = 0;
    while (!done) {  // NOLINT(bugprone-infinite-loop): the other G ends it.
      channels[i % kChannels].send(1);
      ++i;
    }
  });
  world.go([&] {
    const auto add = [&sum](std::optional<std::int64_t> value) { sum += value.value(); };
    for (auto _ : state) select(on_recv(channels[I], add)...);
    done = true;
    select(on_recv(channels[I])...);  // The sender sees that this is done.
  });
  world.scheduler.run();
  report(state, iterations(state), sum);
}
void select_2(benchmark::State& state) {
  select_of(state, std::make_index_sequence<2>{});
}
void select_10(benchmark::State& state) {
  select_of(state, std::make_index_sequence<10>{});
}
BENCHMARK(select_2)->Name("select/2");
BENCHMARK(select_10)->Name("select/10");

// Two Gs that take turns under a mutex, each yielding while it holds it. An operation is a lock, of
// either.
void mutex_hand_off(benchmark::State& state) {
  World world;
  mutex m;
  bool done = false;
  std::int64_t locks = 0;
  std::int64_t before = 0;
  std::int64_t after = 0;
  const auto lock_once = [&] {
    const std::lock_guard lock(m);
    ++locks;
    yield();
  };
  world.go([&] {
    while (!done) lock_once();
  });
  world.go([&] {
    before = locks;
    for (auto _ : state) lock_once();
    after = locks;
    done = true;
  });
  world.scheduler.run();
  report(state, after - before, after - before);
  if (after - before < iterations(state)) state.SkipWithError("a lock was not counted");
}
BENCHMARK(mutex_hand_off)->Name("mutex/hand_off");

}  // namespace
}  // namespace weft::bench
