// SPDX-License-Identifier: Apache-2.0
#include "scheduler/sync/mutex.h"

#include <doctest/doctest.h>

#include <mutex>
#include <shared_mutex>
#include <string>

#include "scheduler/sync/rw_mutex.h"
#include "tests/unit/world.h"

using namespace weft;
using weft::test::World;

TEST_CASE("one G has a mutex at a time, and those who wait get it in order") {
  World w;
  mutex m;
  for (const char* name : {"a", "b", "c"}) {
    w.go(name, [&w, &m, name] {
      std::lock_guard lock(m);
      w.say(std::string(name) + "+");
      yield();
      w.say(std::string(name) + "-");
    });
  }
  CHECK(w.run() == "a+ a- b+ b- c+ c-");
}

TEST_CASE("in normal mode a G that runs takes the mutex before one that was woken") {
  World w;
  mutex m;
  w.go("greedy", [&] {
    m.lock();
    yield();
    m.unlock();  // Wakes the waiter, and takes it again at once.
    m.lock();
    w.say("greedy");
    yield();
    m.unlock();
  });
  w.go("waiter", [&] {
    m.lock();
    w.say("waiter");
    m.unlock();
  });
  CHECK(w.run() == "greedy waiter");
}

TEST_CASE("a waiter that has lost for over a millisecond is handed the mutex") {
  World w;
  mutex m;
  int rounds = 0;
  bool done = false;
  w.go("greedy", [&] {
    while (!done) {
      m.lock();
      ++rounds;
      w.clock.advance(microseconds(400));
      yield();
      m.unlock();
    }
  });
  w.go("waiter", [&] {
    m.lock();
    CHECK_FALSE(m.starving());  // The last waiter ends starvation mode.
    done = true;
    m.unlock();
  });
  w.run();
  CHECK(rounds >= 3);
  CHECK(rounds <= 6);
}

TEST_CASE("in starvation mode newcomers queue, and try_lock fails") {
  World w;
  mutex m;
  bool saw_starving = false;
  w.go("holder", [&] {
    m.lock();
    yield();
    w.clock.advance(milliseconds(2));
    m.unlock();  // Wakes the waiter, which finds it locked and starves.
    m.lock();
    yield();
    CHECK(m.starving());
    saw_starving = true;
    m.unlock();  // Hands over, and yields.
    w.say("holder-again");
    m.lock();
    w.say("holder-last");
    m.unlock();
  });
  w.go("waiter", [&] {
    m.lock();
    w.say("waiter");
    CHECK_FALSE(m.try_lock());
    m.unlock();
  });
  CHECK(w.run() == "waiter holder-again holder-last");
  CHECK(saw_starving);
  CHECK(m.try_lock());
  m.unlock();
}

TEST_CASE("an uncontended lock reads no clock") {
  World w;
  mutex m;
  w.go("g", [&] {
    const auto before = w.clock.reads();
    for (int i = 0; i < 100; ++i) std::lock_guard lock(m);
    CHECK(w.clock.reads() == before);
  });
  w.run();
}

TEST_CASE("unlocking what is not locked is Go's fatal error") {
  World w;
  w.go("g", [&] {
    mutex m;
    CHECK_THROWS_WITH_AS(m.unlock(), "sync: unlock of unlocked mutex", FatalError);
    rw_mutex rw;
    CHECK_THROWS_WITH_AS(rw.unlock(), "sync: Unlock of unlocked RWMutex", FatalError);
    CHECK_THROWS_WITH_AS(rw.unlock_shared(), "sync: RUnlock of unlocked RWMutex", FatalError);
    rw.lock();
    CHECK_THROWS_WITH_AS(rw.unlock_shared(), "sync: RUnlock of unlocked RWMutex", FatalError);
    rw.unlock();
  });
  w.run();
}

TEST_CASE("waits for locks name their reasons") {
  mutex m;  // These outlive the scheduler, whose end unwinds the Gs that wait.
  rw_mutex rw;
  rw_mutex read;
  World w;
  w.go("", [&] {
    m.lock();
    rw.lock();
    m.lock();
  });
  w.go("", [&] { rw.lock_shared(); });
  w.go("", [&] { rw.lock(); });
  w.go("", [&] {
    read.lock_shared();
    read.lock();
  });
  w.run();
  CHECK(w.result.report ==
        "fatal error: all goroutines are asleep - deadlock!\n\n"
        "goroutine 1 [sync.Mutex.Lock, 0.000s]:\n"
        "goroutine 2 [sync.RWMutex.RLock, 0.000s]:\n"
        "goroutine 3 [sync.Mutex.Lock, 0.000s]:\n"
        "goroutine 4 [sync.RWMutex.Lock, 0.000s]:\n");
}

TEST_CASE("readers share; a writer that waits keeps new readers out, and lets them in after") {
  World w;
  rw_mutex rw;
  const auto reader = [&](const char* name) {
    w.go(name, [&w, &rw, name] {
      std::shared_lock lock(rw);
      w.say(std::string(name) + "+");
      yield();
      w.say(std::string(name) + "-");
    });
  };
  const auto writer = [&](const char* name) {
    w.go(name, [&w, &rw, name] {
      std::unique_lock lock(rw);
      w.say(std::string(name) + "+");
      yield();
      w.say(std::string(name) + "-");
    });
  };
  reader("r1");
  reader("r2");
  writer("w1");
  reader("r3");
  writer("w2");
  reader("r4");
  CHECK(w.run() == "r1+ r2+ r1- r2- w1+ w1- r3+ r4+ r3- r4- w2+ w2-");
}

TEST_CASE("trying an rw_mutex fails while the other side has it") {
  World w;
  w.go("g", [&] {
    rw_mutex rw;
    CHECK(rw.try_lock_shared());
    CHECK(rw.try_lock_shared());
    CHECK_FALSE(rw.try_lock());
    rw.unlock_shared();
    rw.unlock_shared();
    CHECK(rw.try_lock());
    CHECK_FALSE(rw.try_lock());
    CHECK_FALSE(rw.try_lock_shared());
    rw.unlock();
    CHECK(rw.try_lock_shared());
  });
  w.run();
}

TEST_CASE("a mutex survives its waiters being killed, in every state of the wait") {
  for (int kill_after = 0; kill_after < 12; ++kill_after) {
    World w;
    mutex m;
    int entered = 0;
    const auto worker = [&] {
      for (int i = 0; i < 3; ++i) {
        std::lock_guard lock(m);
        ++entered;
        w.clock.advance(microseconds(300));
        yield();
      }
    };
    G& victim = w.go("victim", worker);
    G& other = w.go("other", worker);
    w.go("last", worker);
    w.go("killer", [&] {
      for (int i = 0; i < kill_after; ++i) yield();
      if (victim.state() != GState::dead) w.scheduler.kill(victim);
      if (kill_after % 2 == 0 && other.state() != GState::dead) w.scheduler.kill(other);
    });
    w.run();
    CHECK(w.result.end == RunEnd::finished);
    CHECK_FALSE(m.locked());
    CHECK(m.waiters() == 0);
    CHECK_FALSE(m.starving());
    CHECK(entered >= 3);
  }
}

TEST_CASE("an rw_mutex survives its waiters being killed, in every state of the wait") {
  for (int kill_after = 0; kill_after < 12; ++kill_after) {
    World w;
    rw_mutex rw;
    const auto read = [&] {
      for (int i = 0; i < 3; ++i) {
        std::shared_lock lock(rw);
        yield();
      }
    };
    const auto write = [&] {
      for (int i = 0; i < 3; ++i) {
        std::unique_lock lock(rw);
        yield();
      }
    };
    G& reader = w.go("reader", read);
    G& writer = w.go("writer", write);
    w.go("reader2", read);
    w.go("writer2", write);
    w.go("killer", [&] {
      for (int i = 0; i < kill_after; ++i) yield();
      if (writer.state() != GState::dead) w.scheduler.kill(writer);
      if (kill_after % 2 == 0 && reader.state() != GState::dead) w.scheduler.kill(reader);
    });
    w.run();
    CHECK(w.result.end == RunEnd::finished);
    CHECK(rw.try_lock());
  }
}
