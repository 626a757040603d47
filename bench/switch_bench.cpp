// SPDX-License-Identifier: Apache-2.0
// What a switch costs: the raw jump_fcontext, and a yield, a park and a ready on top of it.
#include <boost/context/detail/fcontext.hpp>
#include <memory>
#include <vector>

#include "bench/world.h"
#include "scheduler/stack.h"

namespace weft::bench {
namespace {

namespace context = boost::context::detail;

void count_jumps(context::transfer_t from) {
  for (std::intptr_t jumps = 1;; ++jumps) {
    from = context::jump_fcontext(from.fctx, reinterpret_cast<void*>(jumps));
  }
}

// One way, between two stacks and nothing else: the floor.
void jump_fcontext(benchmark::State& state) {
  constexpr std::size_t kBytes = 64 * 1024;
  const auto stack = std::make_unique<char[]>(kBytes);
  context::transfer_t other{context::make_fcontext(stack.get() + kBytes, kBytes, &count_jumps),
                            nullptr};
  for (auto _ : state) other = context::jump_fcontext(other.fctx, nullptr);
  const auto came_back = reinterpret_cast<std::intptr_t>(other.data);
  report(state, 2 * iterations(state), 2 * came_back);
}
BENCHMARK(jump_fcontext);

// A ring of stacks, placed as those of Gs are.
struct Ring {
  explicit Ring(std::size_t size) : stopped_at(size), stacks({}) {
    for (std::size_t i = 1; i < size; ++i) {
      const StackPool::Slot slot = stacks.fresh().value();
      const auto bytes = static_cast<std::size_t>(slot.header - slot.bottom);
      stopped_at[i] = context::make_fcontext(slot.header, bytes, &go_round);
    }
  }

  // From the current stack to the next one.
  void jump() {
    void** from = &stopped_at[current];
    current = current + 1 == stopped_at.size() ? 0 : current + 1;
    ++jumps;
    came_from(context::jump_fcontext(stopped_at[current], from));
  }

  static void came_from(context::transfer_t transfer) {
    *static_cast<void**>(transfer.data) = transfer.fctx;
  }
  static void go_round(context::transfer_t transfer);

  std::vector<void*> stopped_at;  // By stack; the first is the thread's own.
  std::size_t current = 0;
  std::int64_t jumps = 0;
  StackPool stacks;
};
Ring* ring = nullptr;

void Ring::go_round(context::transfer_t transfer) {
  came_from(transfer);
  for (;;) ring->jump();
}

// One way, around as many stacks as `yield` has Gs: what memory alone asks of a switch.
void jump_around(benchmark::State& state) {
  const std::int64_t stacks = state.range(0);
  Ring all(static_cast<std::size_t>(stacks));
  ring = &all;
  all.jump();  // Every stack has been touched.
  all.jumps = 0;
  for (auto _ : state) all.jump();
  report(state, iterations(state) * stacks, all.jumps);
}
BENCHMARK(jump_around)
    ->Name("jump_fcontext")
    ->Arg(10)
    ->Arg(100)
    ->Arg(1'000)
    ->Arg(10'000)
    ->Arg(100'000);

// state.range(0) Gs that do nothing but yield; an iteration is one round of all of them.
void yield_all(benchmark::State& state) {
  World world;
  bool done = false;
  std::int64_t yields = 0;
  const std::int64_t gs = state.range(0);
  for (std::int64_t i = 1; i < gs; ++i) {
    world.go([&done, &yields] {
      std::int64_t mine = -2;  // Before the first iteration, each has yielded twice.
      while (!done) {
        yield();
        ++mine;
      }
      yields += mine;
    });
  }
  world.go([&] {
    yield();  // Every stack has been touched.
    for (auto _ : state) yield();
    done = true;
    yields += iterations(state);
  });
  world.scheduler.run();
  report(state, iterations(state) * gs, yields);
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
  std::int64_t parks = -1;
  G* sleeper = nullptr;
  world.go([&] {
    sleeper = &this_g();
    while (!done) {
      park(WaitReason::semacquire);
      ++parks;
    }
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
  report(state, iterations(state), parks);
}
BENCHMARK(park_ready);

}  // namespace
}  // namespace weft::bench
