// What a switch costs: the raw jump_fcontext, and a yield, a park and a ready on top of it.
#include <boost/context/detail/fcontext.hpp>
#include <memory>

#include "bench/world.h"

namespace weft::bench {
namespace {

namespace context = boost::context::detail;

// One way, between two stacks and nothing else: the floor.
void jump_fcontext(benchmark::State& state) {
  constexpr std::size_t kBytes = 64 * 1024;
  const auto stack = std::make_unique<char[]>(kBytes);
  context::transfer_t other{context::make_fcontext(stack.get() + kBytes, kBytes,
                                                   [](context::transfer_t from) {
                                                     for (;;)
                                                       from = context::jump_fcontext(from.fctx,
                                                                                     nullptr);
                                                   }),
                            nullptr};
  for (auto _ : state) other = context::jump_fcontext(other.fctx, nullptr);
  report_each(state, 2);
}
BENCHMARK(jump_fcontext);

// state.range(0) Gs that do nothing but yield; an iteration is one round of all of them.
void yield_all(benchmark::State& state) {
  World world;
  bool done = false;
  const std::int64_t gs = state.range(0);
  for (std::int64_t i = 1; i < gs; ++i) {
    world.go([&done] {
      while (!done) yield();
    });
  }
  world.go([&] {
    yield();  // Every stack has been touched.
    for (auto _ : state) yield();
    done = true;
  });
  world.scheduler.run();
  report_each(state, gs);
}
BENCHMARK(yield_all)
    ->Name("yield")
    ->Arg(2)
    ->Arg(10)
    ->Arg(100)
    ->Arg(1'000)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Arg(1'000'000);

// Two Gs: one parks, the other readies it and yields.
void park_ready(benchmark::State& state) {
  World world;
  bool done = false;
  G* sleeper = nullptr;
  world.go([&] {
    sleeper = &this_g();
    while (!done) park(WaitReason::semacquire);
  });
  world.go([&] {
    for (auto _ : state) {
      ready(*sleeper);
      yield();
    }
    done = true;
    ready(*sleeper);
  });
  world.scheduler.run();
  report_each(state, 1);
}
BENCHMARK(park_ready);

}  // namespace
}  // namespace weft::bench
