// SPDX-License-Identifier: Apache-2.0
// Gs that do anything with everything, and are killed at any time: nothing may be lost, held or
// broken by it. Each seed is another program; each is the same every time.
#include <doctest/doctest.h>

#include <mutex>
#include <shared_mutex>
#include <vector>

#include "scheduler/sync/cond.h"
#include "scheduler/sync/context.h"
#include "scheduler/sync/once.h"
#include "scheduler/sync/rw_mutex.h"
#include "scheduler/sync/select.h"
#include "scheduler/sync/task.h"
#include "scheduler/sync/ticker.h"
#include "scheduler/sync/wait_group.h"
#include "scheduler/sync/weighted_semaphore.h"
#include "tests/unit/world.h"

using namespace weft;
using weft::test::World;

namespace {

constexpr int kGs = 12;
constexpr int kSteps = 40;

// Counts the Gs inside, and checks that they may be there together.
struct Inside {
  int& count;
  explicit Inside(int& c, int most) : count(c) { CHECK(++count <= most); }
  ~Inside() { --count; }
};

struct Everything {
  mutex m;
  rw_mutex rw;
  semaphore sem{3};
  cond changed;
  chan<int> unbuffered = make_chan<int>();
  chan<int> buffered = make_chan<int>(2);
  int in_mutex = 0;
  int writing = 0;
  int in_semaphore = 0;
  int sent = 0;
  int received = 0;
  World w;  // Last: its end unwinds the Gs that use the others.
  Random random;

  explicit Everything(std::uint64_t seed) : random(seed) {}

  void step();
  void channels();
  void linger() {
    if (random.below(3) == 0) w.clock.advance(microseconds(random.below(900)));
    if (random.below(2) == 0) yield();
  }
};

void Everything::channels() {
  const auto got = [this](std::optional<int>) { ++received; };
  auto& c = random.below(2) == 0 ? unbuffered : buffered;
  auto& d = random.below(2) == 0 ? unbuffered : buffered;
  if (random.below(2) == 0) {
    select(on_send(c, 1, [this] { ++sent; }), on_recv(d, got), on_timeout(microseconds(50)));
  } else {
    select(on_recv(c, got), on_recv(d, got), on_timeout(microseconds(50)));
  }
}

void Everything::step() {
  switch (random.below(8)) {
    case 0: {
      std::lock_guard lock(m);
      Inside inside(in_mutex, 1);
      return linger();
    }
    case 1: {
      std::shared_lock lock(rw);
      CHECK(writing == 0);
      return linger();
    }
    case 2: {
      std::unique_lock lock(rw);
      Inside inside(writing, 1);
      return linger();
    }
    case 3: {
      const int units = 1 + static_cast<int>(random.below(3));
      semaphore::Hold hold(sem, units);
      in_semaphore += units;
      CHECK(in_semaphore <= 3);
      struct Leave {
        int& count;
        int units;
        ~Leave() { count -= units; }
      } leave{in_semaphore, units};
      return linger();
    }
    case 4: {
      std::lock_guard lock(m);
      changed.wait(m);
      Inside inside(in_mutex, 1);
      return linger();
    }
    case 5:
      return random.below(2) == 0 ? changed.signal() : changed.broadcast();
    case 6:
      return spawn([this] { linger(); }).join();
    default:
      return channels();
  }
}

}  // namespace

TEST_CASE("a G that is killed while it runs leaves from its next wait, and not from unlock") {
  World w;
  mutex m;
  w.go("holder", [&] {
    std::lock_guard lock(m);
    w.scheduler.kill(this_g());
    w.say("holds");
  });
  w.go("self", [&] {
    w.scheduler.kill(this_g());
    w.say("runs");
    (void)make_chan<int>().recv();
    w.say("not reached");
  });
  CHECK(w.run() == "holds runs");
  CHECK(w.result.end == RunEnd::finished);
  CHECK(m.try_lock());
}

TEST_CASE("a signal that comes while unlocking yields is not lost") {
  World w;
  mutex m;
  cond c;
  w.go("waiter", [&] {
    m.lock();
    yield();
    w.clock.advance(milliseconds(2));
    m.unlock();
    m.lock();
    yield();  // The locker has lost for over a millisecond: unlocking hands over and yields.
    CHECK(m.starving());
    c.wait(m);
    w.say("signalled");
    m.unlock();
  });
  w.go("locker", [&] {
    m.lock();
    c.signal();
    w.say("signals");
    m.unlock();
  });
  CHECK(w.run() == "signals signalled");
  CHECK(w.result.end == RunEnd::finished);
}

TEST_CASE("killing Gs at any time loses nothing, holds nothing and breaks nothing") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Everything e(seed);
    std::vector<task<void>> workers;
    bool stop = false;
    e.w.go("main", [&] {
      for (int i = 0; i < kGs; ++i) {
        workers.push_back(spawn([&] {
          for (int step = 0; step < kSteps; ++step) e.step();
        }));
      }
      // Nobody may wait for a signal for ever.
      auto signaller = spawn([&] {
        while (!stop) {
          sleep_for(microseconds(200));
          e.changed.broadcast();
        }
      });
      for (int i = 0; i < kGs / 2; ++i) {
        for (std::uint32_t n = e.random.below(20); n > 0; --n) yield();
        workers[e.random.below(kGs)].kill();
      }
      for (auto& worker : workers) {
        try {
          worker.join();
        } catch (const TaskKilled&) {
          continue;
        }
      }
      stop = true;
      signaller.join();
    });
    e.w.run();
    CHECK(e.w.result.end == RunEnd::finished);
    CHECK_FALSE(e.m.locked());
    CHECK(e.m.waiters() == 0);
    CHECK_FALSE(e.m.starving());
    CHECK(e.rw.try_lock());
    CHECK(e.sem.free_units() == 3);
    // A killed G may have got a value and not counted it, or sent one and not counted that.
    CHECK(e.sent - e.received <= static_cast<int>(e.buffered.len()) + kGs);
    CHECK(e.received - e.sent <= kGs);
  }
}
