// SPDX-License-Identifier: Apache-2.0
#include "signals/tick.h"

#include <atomic>
#include <csignal>

#include "os/cpu_meter.h"
#include "tests/unit/signals/live_world.h"

using namespace weft;
using weft::test::LiveWorld;

TEST_CASE(
    "with the tick, a G that only passes checkpoints lets another M's G set what it waits for") {
  LiveWorld w;
  signals::Tick tick(w.scheduler);
  std::atomic<bool> flag = false;
  w.go([&] {
    // Asleep with its M: the spinner runs on another one.
    w.scheduler.sleep_m("usleep_no_g", now() + milliseconds(1));
    flag = true;
  });
  w.go([&] {
    while (!flag) checkpoint();
  });
  REQUIRE(tick.start().ok());
  CHECK(w.scheduler.run().end == RunEnd::finished);
  CHECK(tick.preempts() > 0);
}

TEST_CASE("with the tick, two Gs that never yield share the thread") {
  LiveWorld w;
  signals::Tick tick(w.scheduler, milliseconds(2));
  REQUIRE(tick.start().ok());
  int turns[2] = {};
  int last = -1;
  for (int i = 0; i < 2; ++i) {
    w.go([&, i] {
      while (turns[0] < 3 || turns[1] < 3) {
        if (last != i) ++turns[i];
        last = i;
        checkpoint();
      }
    });
  }
  CHECK(w.scheduler.run().end == RunEnd::finished);
}

TEST_CASE("Gs that yield are never asked to") {
  LiveWorld w;
  signals::Tick tick(w.scheduler, milliseconds(1));
  REQUIRE(tick.start().ok());
  for (int i = 0; i < 2; ++i) {
    w.go([] {
      while (now() < this_scheduler().started_at() + milliseconds(100)) yield();
    });
  }
  w.scheduler.run();
  CHECK(tick.preempts() == 0);
}

TEST_CASE("a sleeper waited for 61 switches of a G that computed for long before each") {
  LiveWorld w;
  signals::Tick tick(w.scheduler, milliseconds(2));
  REQUIRE(tick.start().ok());
  bool woke = false;
  w.go([&] {
    sleep_for(milliseconds(1));
    woke = true;
  });
  int yields = 0;
  w.go([&] {
    while (!woke) {
      // A tick falls into each of these.
      for (const auto before = tick.ticks(); tick.ticks() == before;) {
      }
      yield();
      ++yields;
    }
  });
  w.scheduler.run();
  CHECK(yields < 10);
}

TEST_CASE("an idle process is not woken by the tick") {
  LiveWorld w;
  signals::Tick tick(w.scheduler, milliseconds(1));
  for (int i = 0; i < 100; ++i) w.go([] { sleep_for(milliseconds(300)); });
  REQUIRE(tick.start().ok());
  w.scheduler.run();
  MESSAGE("ticks in 300 ms of 100 sleeping Gs: " << tick.ticks());
  CHECK(tick.ticks() < 100);  // Of 300, were it the wall's time.
}

TEST_CASE("a tick that is stopped no longer ticks, and can start again") {
  LiveWorld w;
  signals::Tick tick(w.scheduler, milliseconds(1));
  const auto burn = [&] {
    w.go([] {
      const Duration end{cpu_time_of_thread().ns + milliseconds(50).ns};
      while (cpu_time_of_thread() < end) {
      }
    });
    w.scheduler.run();
  };
  tick.stop();
  REQUIRE(tick.start().ok());
  REQUIRE(tick.start().ok());
  burn();
  const std::uint64_t ticks = tick.ticks();
  CHECK(ticks > 0);
  tick.stop();
  burn();
  CHECK(tick.ticks() == ticks);
  REQUIRE(tick.start().ok());
  burn();
  CHECK(tick.ticks() > ticks);
}

TEST_CASE("a SIGURG that the tick did not send reaches the handler that was there before") {
  static std::atomic<int> seen = 0;
  struct sigaction before = {};
  struct sigaction mine = {};
  mine.sa_handler = [](int) { ++seen; };
  ::sigaction(SIGURG, &mine, &before);
  {
    LiveWorld w;
    signals::Tick tick(w.scheduler);
    REQUIRE(tick.start().ok());
    ::raise(SIGURG);
    CHECK(seen == 1);
  }
  ::raise(SIGURG);
  CHECK(seen == 2);
  ::sigaction(SIGURG, &before, nullptr);
}

TEST_CASE("a SIGURG that was sent leaves the tick its handler") {
  LiveWorld w;
  signals::Tick tick(w.scheduler, milliseconds(2));
  REQUIRE(tick.start().ok());
  w.go([&] {
    ::raise(SIGURG);
    const std::uint64_t before = tick.ticks();
    while (tick.ticks() == before) checkpoint();
  });
  CHECK(w.scheduler.run().end == RunEnd::finished);
}
