// SPDX-License-Identifier: Apache-2.0
// What a switch costs: the raw jump_fcontext, and a yield, a park and a ready on top of it.
#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/inline.h"
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

// The floor of a first in, first out scheduler on this machine: a ring of tasks, each with a stack
// and a header at the top of it, and nothing that a switch does not need. It prefetches: the header
// of the task 12 places behind the next one, and two lines of the frames of the one 6 behind.
class BareRing {
 public:
  explicit BareRing(std::size_t size) : queue_(size - 1) {
    for (Task*& task : queue_) {
      const StackPool::Slot slot = stacks_.fresh().value();
      const auto bytes = static_cast<std::size_t>(slot.header - slot.bottom);
      task = new (slot.header) Task;
      task->stopped_at = context::make_fcontext(slot.header, bytes, &run);
    }
  }

  // The running task goes to the tail, the oldest of the others goes on.
  WEFT_INLINE void yield() {
    Task& me = *current_;
    Task& next = *std::exchange(queue_[head_], &me);
    head_ = behind(1);
    if (queue_.size() > kFewTasks) {
      __builtin_prefetch(queue_[behind(kFar)], 1);
      const auto* frames = static_cast<const std::byte*>(queue_[behind(kNear)]->stopped_at);
      __builtin_prefetch(frames, 1);
      __builtin_prefetch(frames + 64, 1);
    }
    me.runs = false;
    next.runs = true;
    ++next.turns;
    current_ = &next;
    came_from(context::jump_fcontext(next.stopped_at, &me));
  }

  // How often a task was given the thread.
  [[nodiscard]] std::int64_t turns() const {
    std::int64_t all = main_.turns;
    for (std::size_t i = 0; i < stacks_.used(); ++i) {
      all += std::launder(reinterpret_cast<const Task*>(stacks_.slot(i).header))->turns;
    }
    return all;
  }

  static inline BareRing* ring = nullptr;

 private:
  static constexpr std::size_t kFar = 12;
  static constexpr std::size_t kNear = 6;
  static constexpr std::size_t kFewTasks = 64;

  struct alignas(64) Task {
    context::fcontext_t stopped_at = nullptr;
    bool runs = false;
    std::int64_t turns = 0;
  };

  [[nodiscard]] std::size_t behind(std::size_t places) const {
    const std::size_t at = head_ + places;
    return at >= queue_.size() ? at - queue_.size() : at;
  }
  static void came_from(context::transfer_t transfer) {
    static_cast<Task*>(transfer.data)->stopped_at = transfer.fctx;
  }
  static void run(context::transfer_t transfer) {
    came_from(transfer);
    for (;;) ring->yield();
  }

  StackPool stacks_{{.header_bytes = sizeof(Task)}};
  std::vector<Task*> queue_;
  std::size_t head_ = 0;
  Task main_;
  Task* current_ = &main_;
};

// One way, around as many stacks as `yield` has Gs.
void bare_ring(benchmark::State& state) {
  const std::int64_t tasks = state.range(0);
  BareRing ring(static_cast<std::size_t>(tasks));
  BareRing::ring = &ring;
  ring.yield();  // Every stack has been touched.
  const std::int64_t before = ring.turns();
  for (auto _ : state) ring.yield();
  report(state, iterations(state) * tasks, ring.turns() - before);
}
BENCHMARK(bare_ring)
    ->Name("bare_ring")
    ->Arg(2)
    ->Arg(10)
    ->Arg(100)
    ->Arg(1'000)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Arg(1'000'000);

// state.range(0) Gs that only yield; an iteration is one round of all of them.
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
