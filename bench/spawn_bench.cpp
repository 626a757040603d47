// What a G costs: spawn and join, on stacks from the pool and on fresh ones; and many at once.
#include <vector>

#include "bench/world.h"
#include "scheduler/task.h"

namespace weft::bench {
namespace {

// Spawns a G that returns at once, and waits for it. Its stack comes from the pool.
void spawn_join_pooled(benchmark::State& state) {
  World world;
  std::uint64_t ran = 0;
  world.go([&] {
    for (auto _ : state) {
      const SpawnOptions options{.on_exit = [](G&, void* g) { ready(*static_cast<G*>(g)); },
                                 .on_exit_context = &this_g()};
      if (!go([&ran] { ++ran; }, options)) std::abort();
      park(WaitReason::join);
    }
  });
  world.scheduler.run();
  if (ran != static_cast<std::uint64_t>(state.iterations())) state.SkipWithError("a G did not run");
  report_each(state, 1);
}
BENCHMARK(spawn_join_pooled)->Name("spawn_join/pooled");

// The same through the joinable handle, with a result.
void spawn_join_task(benchmark::State& state) {
  World world;
  std::uint64_t sum = 0;
  world.go([&] {
    for (auto _ : state) sum += spawn([] { return std::uint64_t{1}; }).join();
  });
  world.scheduler.run();
  if (sum != static_cast<std::uint64_t>(state.iterations()))
    state.SkipWithError("a result is lost");
  report_each(state, 1);
}
BENCHMARK(spawn_join_task)->Name("spawn_join/task");

// A scheduler of its own, that many fresh stacks, each touched once.
void spawn_join_fresh(benchmark::State& state) {
  const std::int64_t gs = state.range(0);
  for (auto _ : state) {
    World world;
    for (std::int64_t i = 0; i < gs; ++i) world.go([] {});
    world.scheduler.run();
  }
  report_each(state, gs);
}
BENCHMARK(spawn_join_fresh)
    ->Name("spawn_join/fresh")
    ->Arg(1'000)
    ->Arg(100'000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weft::bench
