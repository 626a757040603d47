// SPDX-License-Identifier: Apache-2.0
// What a G costs: spawn and join, on stacks from the pool and on fresh ones; a tree of a million of
// them; and what each takes of memory while it is parked.
#include <unistd.h>

#include <cstdio>
#include <vector>

#include "bench/world.h"
#include "scheduler/sync/chan.h"
#include "scheduler/sync/task.h"

namespace weft::bench {
namespace {

// Spawns a G that returns at once, and waits for it. Its stack comes from the pool.
void spawn_join_pooled(benchmark::State& state) {
  World world;
  std::int64_t ran = 0;
  world.go([&] {
    for (auto _ : state) {
      const SpawnOptions options{.on_exit = [](G&, void* g) { ready(*static_cast<G*>(g)); },
                                 .on_exit_context = &this_g()};
      if (!go([&ran] { ++ran; }, options)) std::abort();
      park(WaitReason::join);
    }
  });
  world.scheduler.run();
  report(state, iterations(state), ran);
}
BENCHMARK(spawn_join_pooled)->Name("spawn_join/pooled");

// The same through the joinable handle, with a result.
void spawn_join_task(benchmark::State& state) {
  World world;
  std::int64_t sum = 0;
  world.go([&] {
    for (auto _ : state) sum += spawn([] { return std::int64_t{1}; }).join();
  });
  world.scheduler.run();
  report(state, iterations(state), sum);
}
BENCHMARK(spawn_join_task)->Name("spawn_join/task");

// A scheduler of its own, that many fresh stacks, each touched once.
void spawn_join_fresh(benchmark::State& state) {
  const std::int64_t gs = state.range(0);
  std::int64_t ran = 0;
  for (auto _ : state) {
    World world;
    for (std::int64_t i = 0; i < gs; ++i) world.go([&ran] { ++ran; });
    world.scheduler.run();
  }
  report(state, iterations(state) * gs, ran);
}
BENCHMARK(spawn_join_fresh)
    ->Name("spawn_join/fresh")
    ->Arg(1'000)
    ->Arg(100'000)
    ->Unit(benchmark::kMillisecond);

// A tree in which each G starts ten and adds up what they send, by a channel with this much room;
// its leaves send their numbers.
template <std::size_t kRoom>
void skynet_node(chan<std::int64_t> up, std::int64_t number, std::int64_t leaves) {
  if (leaves == 1) return up.send(number);
  const auto down = make_chan<std::int64_t>(kRoom);
  for (std::int64_t i = 0; i < 10; ++i) {
    const std::int64_t first = number + i * leaves / 10;
    if (!go([down, first, leaves] { skynet_node<kRoom>(down, first, leaves / 10); })) std::abort();
  }
  std::int64_t sum = 0;
  for (int i = 0; i < 10; ++i) sum += chan(down).recv().value();
  up.send(sum);
}

template <std::size_t kRoom>
void skynet(benchmark::State& state) {
  World world;
  const std::int64_t leaves = state.range(0);
  std::int64_t sum = 0;
  world.go([&] {
    auto up = make_chan<std::int64_t>(kRoom);
    for (auto _ : state) {
      if (!go([=] { skynet_node<kRoom>(up, 0, leaves); })) std::abort();
      sum += up.recv().value();
    }
  });
  world.scheduler.run();
  const std::int64_t done = iterations(state) * leaves;
  report(state, done, sum, done * (leaves - 1) / 2);
}
BENCHMARK(skynet<10>)
    ->Name("skynet")
    ->Arg(1'000)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond);
// Nine of ten leaves wait for their parent, which is readied behind all of them.
BENCHMARK(skynet<0>)
    ->Name("skynet_unbuffered")
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond);

double resident_bytes() {
  long total = 0;
  long resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr || std::fscanf(file, "%ld %ld", &total, &resident) != 2) std::abort();
  std::fclose(file);
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

// Resident bytes for each of state.range(0) Gs that are parked. What an earlier benchmark has freed
// would be used first: run it alone.
void parked(benchmark::State& state) {
  const std::int64_t gs = state.range(0);
  std::int64_t woken = 0;
  double bytes = 0;
  for (auto _ : state) {
    World world;
    std::vector<G*> sleepers;
    sleepers.reserve(static_cast<std::size_t>(gs));
    const double before = resident_bytes();
    for (std::int64_t i = 0; i < gs; ++i) {
      world.go([&] {
        sleepers.push_back(&this_g());
        park(WaitReason::semacquire);
        ++woken;
      });
    }
    world.go([&] {
      bytes += resident_bytes() - before - static_cast<double>(sleepers.size() * sizeof(void*));
      for (G* sleeper : sleepers) ready(*sleeper);
    });
    world.scheduler.run();
  }
  report(state, iterations(state) * gs, woken);
  state.counters["bytes"] = bytes / static_cast<double>(iterations(state) * gs);
}
BENCHMARK(parked)->Name("parked")->Arg(1'000)->Arg(100'000)->Arg(1'000'000)->Iterations(1)->Unit(
    benchmark::kMillisecond);

// Resident bytes for each of state.range(0) Gs that have been spawned and have not run.
void waiting(benchmark::State& state) {
  const std::int64_t gs = state.range(0);
  std::int64_t ran = 0;
  double bytes = 0;
  for (auto _ : state) {
    World world;
    const double before = resident_bytes();
    for (std::int64_t i = 0; i < gs; ++i) world.go([&ran] { ++ran; });
    bytes += resident_bytes() - before;
    world.scheduler.run();
  }
  report(state, iterations(state) * gs, ran);
  state.counters["bytes"] = bytes / static_cast<double>(iterations(state) * gs);
}
BENCHMARK(waiting)->Name("waiting")->Arg(1'000'000)->Iterations(1)->Unit(benchmark::kMillisecond);

// Resident bytes in all, beyond those before: with state.range(0) Gs parked, then one second and
// ten seconds after they have ended.
void after_a_burst(benchmark::State& state) {
  const std::int64_t gs = state.range(0);
  std::int64_t woken = 0;
  for (auto _ : state) {
    LiveWorld world;
    world.go([&] {
      const double before = resident_bytes();
      auto gate = make_chan<int>(0);
      for (std::int64_t i = 0; i < gs; ++i) {
        world.go([&] {
          gate.recv();
          ++woken;
        });
      }
      yield();
      state.counters["parked"] = resident_bytes() - before;
      gate.close();
      sleep_for(milliseconds(1'000));
      state.counters["after_1s"] = resident_bytes() - before;
      sleep_for(milliseconds(9'000));
      state.counters["after_10s"] = resident_bytes() - before;
    });
    world.scheduler.run();
  }
  report(state, iterations(state) * gs, woken);
}
BENCHMARK(after_a_burst)
    ->Name("after_a_burst")
    ->Arg(1'000'000)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weft::bench
