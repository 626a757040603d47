// SPDX-License-Identifier: Apache-2.0
// weft-instructions OPERATION COUNT: does one thing COUNT times and nothing else, so that
// bench/instructions can count what it executes.
//
// The clock stands still and there is nothing to poll: the same COUNT is always the same
// instructions.
#include <boost/context/detail/fcontext.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>

#include "scheduler/sync/chan.h"
#include "scheduler/sync/mutex.h"
#include "scheduler/sync/select.h"
#include "scheduler/sync/task.h"

namespace weft::bench {
namespace {

struct StillClock final : Clock {
  Instant now() override { return {}; }
};
struct NoPoller final : Poller {
  void poll(Instant) override {}
  [[nodiscard]] std::size_t waits() const override { return 0; }
  void wake() noexcept override {}
  [[nodiscard]] bool is_quiet() const override { return true; }
};

struct World {
  StillClock clock;
  NoPoller poller;
  Scheduler scheduler{clock, poller};
  template <class F>
  void go(F&& f) {
    if (!scheduler.spawn(std::forward<F>(f))) std::abort();
  }
};

namespace context = boost::context::detail;

void jump(World&, long count) {
  constexpr std::size_t kBytes = 64 * 1024;
  const auto stack = std::make_unique<char[]>(kBytes);
  context::transfer_t other{context::make_fcontext(stack.get() + kBytes, kBytes,
                                                   [](context::transfer_t from) {
                                                     for (;;)
                                                       from = context::jump_fcontext(from.fctx,
                                                                                     nullptr);
                                                   }),
                            nullptr};
  for (long i = 0; i < count; i += 2) other = context::jump_fcontext(other.fctx, nullptr);
}

template <int kGs>
void yields(World& world, long count) {
  for (int g = 0; g < kGs; ++g) {
    world.go([count] {
      for (long i = 0; i < count; i += kGs) yield();
    });
  }
  world.scheduler.run();
}

void park_ready(World& world, long count) {
  G* sleeper = nullptr;
  world.go([&sleeper, count] {
    sleeper = &this_g();
    for (long i = 0; i < count; ++i) park(WaitReason::semacquire);
  });
  world.go([&sleeper, count] {
    for (long i = 0; i < count; ++i) {
      ready(*sleeper);
      yield();
    }
  });
  world.scheduler.run();
}

void round_trips(World& world, long count) {
  auto there = make_chan<long>();
  auto back = make_chan<long>();
  world.go([=]() mutable {
    for (long i = 0; i < count; ++i) back.send(there.recv().value());
  });
  world.go([=]() mutable {
    for (long i = 0; i < count; ++i) {
      there.send(i);
      if (back.recv() != i) std::abort();
    }
  });
  world.scheduler.run();
}

void selects_of_10(World& world, long count) {
  chan<long> c[10];
  for (chan<long>& each : c) each = make_chan<long>();
  world.go([&c, count] {
    for (long i = 0; i < count; ++i) c[i % 10].send(1);
  });
  world.go([&c, count] {
    for (long i = 0; i < count; ++i) {
      select(on_recv(c[0]), on_recv(c[1]), on_recv(c[2]), on_recv(c[3]), on_recv(c[4]),
             on_recv(c[5]), on_recv(c[6]), on_recv(c[7]), on_recv(c[8]), on_recv(c[9]));
    }
  });
  world.scheduler.run();
}

// Of count Gs, all of which are spawned before the first runs.
void spawn_ahead(World& world, long count) {
  for (long i = 0; i < count; ++i) world.go([] {});
  world.scheduler.run();
}

void selects(World& world, long count) {
  auto a = make_chan<long>();
  auto b = make_chan<long>();
  world.go([=]() mutable {
    for (long i = 0; i < count; ++i) (i % 2 == 0 ? a : b).send(1);
  });
  world.go([=] {
    for (long i = 0; i < count; ++i) select(on_recv(a), on_recv(b));
  });
  world.scheduler.run();
}

void spawn_join_pooled(World& world, long count) {
  world.go([count] {
    for (long i = 0; i < count; ++i) {
      const SpawnOptions options{.on_exit = [](G&, void* g) { ready(*static_cast<G*>(g)); },
                                 .on_exit_context = &this_g()};
      if (!go([] {}, options)) std::abort();
      park(WaitReason::join);
    }
  });
  world.scheduler.run();
}

void spawn_join_task(World& world, long count) {
  world.go([count] {
    for (long i = 0; i < count; ++i) {
      if (spawn([i] { return i; }).join() != i) std::abort();
    }
  });
  world.scheduler.run();
}

void mutex_hand_offs(World& world, long count) {
  mutex m;
  for (int g = 0; g < 2; ++g) {
    world.go([&m, count] {
      for (long i = 0; i < count; i += 2) {
        const std::lock_guard lock(m);
        yield();
      }
    });
  }
  world.scheduler.run();
}

void timers(World& world, long count) {
  struct Idle : Timer {
    Idle() : Timer([](Timer&) {}) {}
  } timer;
  for (long i = 0; i < count; ++i) {
    world.scheduler.arm(timer, Instant{} + seconds(1));
    world.scheduler.cancel(timer);
  }
}

struct Operation {
  const char* name;
  void (*run)(World& world, long count);
};

constexpr Operation kOperations[] = {
    {"jump_fcontext", jump},
    {"yield/2", yields<2>},
    {"yield/100", yields<100>},
    {"park_ready", park_ready},
    {"chan/round_trip/0", round_trips},
    {"select/2", selects},
    {"select/10", selects_of_10},
    {"spawn_ahead", spawn_ahead},
    {"spawn_join/pooled", spawn_join_pooled},
    {"spawn_join/task", spawn_join_task},
    {"mutex/hand_off", mutex_hand_offs},
    {"timer/arm_cancel/1", timers},
};

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
  using namespace weft::bench;
  if (argc == 2 && std::strcmp(argv[1], "--list") == 0) {
    for (const Operation& operation : kOperations) std::puts(operation.name);
    return 0;
  }
  const long count = argc == 3 ? std::atol(argv[2]) : 0;
  for (const Operation& operation : kOperations) {
    if (count <= 0 || std::strcmp(operation.name, argv[1]) != 0) continue;
    World world;
    operation.run(world, count);
    return 0;
  }
  std::fprintf(stderr, "use: weft-instructions --list | weft-instructions OPERATION COUNT\n");
  return 64;
}
