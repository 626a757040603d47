// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <mutex>
#include <stdexcept>
#include <string>

#include "scheduler/sync/cond.h"
#include "scheduler/sync/mutex.h"
#include "scheduler/sync/once.h"
#include "scheduler/sync/wait_group.h"
#include "scheduler/sync/weighted_semaphore.h"
#include "tests/unit/world.h"

using namespace weft;
using weft::test::World;

TEST_CASE("a wait_group lets its waiters go on in order when the count is zero") {
  World w;
  wait_group wg;
  for (const char* name : {"a", "b"}) {
    w.go(name, [&w, &wg, name] {
      wg.add(1);
      yield();
      wg.wait();
      w.say(name);
    });
  }
  w.go("done", [&] {
    CHECK(wg.count() == 2);
    yield();
    wg.done();
    w.say("one");
    wg.done();
    w.say("zero");
    wg.wait();
    w.say("at-once");
  });
  CHECK(w.run() == "one zero at-once a b");
}

TEST_CASE("a wait_group's misuse panics with Go's texts") {
  World w;
  wait_group wg;
  w.go("g", [&] {
    CHECK_THROWS_WITH_AS(wg.done(), "sync: negative WaitGroup counter", Panic);
    wg.add(1);
  });
  w.go("waiter", [&] {
    CHECK_THROWS_WITH_AS(wg.wait(), "sync: WaitGroup is reused before previous Wait has returned",
                         Panic);
  });
  w.go("reuser", [&] {
    wg.done();
    wg.add(1);
  });
  w.run();
}

TEST_CASE("wait_group::go counts its Gs, also those that are killed") {
  World w;
  wait_group wg;
  w.go("main", [&] {
    G* asleep = nullptr;
    wg.go([&] {
      asleep = &this_g();
      sleep_for(seconds(5));
    });
    wg.go([&] { w.say("worker"); });
    CHECK(wg.count() == 2);
    yield();
    w.scheduler.kill(*asleep);
    wg.wait();
    w.say("all");
  });
  CHECK(w.run() == "worker all");
  CHECK(w.clock.now() == Instant{});
}

TEST_CASE("a killed waiter of a wait_group is not waited for") {
  World w;
  wait_group wg;
  G& g = w.go("waiter", [&] {
    wg.add(1);
    wg.wait();
  });
  w.go("other", [&] {
    wg.wait();
    w.say("other");
  });
  w.go("killer", [&] {
    w.scheduler.kill(g);
    wg.done();
  });
  CHECK(w.run() == "other");
  CHECK(w.result.end == RunEnd::finished);
}

TEST_CASE("signal wakes the longest waiter, broadcast the rest in order") {
  World w;
  mutex m;
  cond c;
  for (const char* name : {"a", "b", "c"}) {
    w.go(name, [&w, &m, &c, name] {
      std::unique_lock lock(m);
      c.wait(lock);
      w.say(name);
    });
  }
  w.go("signaller", [&] {
    c.signal();
    w.say("signalled");
    yield();
    c.broadcast();
    w.say("broadcast");
    yield();
    c.signal();  // Nobody is there: nothing is remembered.
  });
  CHECK(w.run() == "signalled a broadcast b c");
}

TEST_CASE("a wait with a predicate returns when it holds") {
  World w;
  mutex m;
  cond c;
  int items = 0;
  w.go("consumer", [&] {
    std::unique_lock lock(m);
    c.wait(lock, [&] { return items >= 2; });
    w.say("two");
  });
  w.go("producer", [&] {
    for (int i = 0; i < 2; ++i) {
      std::lock_guard lock(m);
      ++items;
      c.signal();
    }
  });
  CHECK(w.run() == "two");
}

TEST_CASE("a G killed in a cond has the lock while it unwinds, and passes its signal on") {
  World w;
  mutex m;
  cond c;
  const auto wait = [&](const char* name) {
    return [&w, &m, &c, name] {
      std::lock_guard lock(m);
      try {
        c.wait(m);
        w.say(name);
      } catch (const Killed&) {
        CHECK(m.locked());
        w.say(std::string(name) + "-killed");
        throw;
      }
    };
  };
  G& first = w.go("first", wait("first"));
  G& second = w.go("second", wait("second"));
  w.go("third", wait("third"));
  w.go("killer", [&] {
    w.scheduler.kill(first);  // Before a signal: it gets none.
    c.signal();
    w.scheduler.kill(second);  // After.
  });
  CHECK(w.run() == "first-killed second-killed third");
  CHECK(w.result.end == RunEnd::finished);
}

TEST_CASE("a once calls its function once; others wait until it has ended") {
  World w;
  once o;
  for (const char* name : {"a", "b"}) {
    w.go(name, [&w, &o, name] {
      o.call([&] {
        w.say(std::string("call-by-") + name);
        yield();
        w.say("called");
      });
      w.say(name);
    });
  }
  CHECK(w.run() == "call-by-a called a b");
}

TEST_CASE("a once whose function threw has been done") {
  World w;
  once o;
  w.go("g", [&] {
    CHECK_THROWS_WITH(o.call([] { throw std::runtime_error("boom"); }), "boom");
    o.call([&] { w.say("again"); });
    CHECK(o.done());
  });
  CHECK(w.run().empty());
}

TEST_CASE("a semaphore serves in order, so that many units are not starved by few") {
  World w;
  semaphore s(3);
  const auto taker = [&](const char* name, int units) {
    w.go(name, [&w, &s, name, units] {
      semaphore::Hold hold(s, units);
      w.say(std::string(name) + "+");
      yield();
      w.say(std::string(name) + "-");
    });
  };
  taker("a2", 2);
  taker("b3", 3);
  taker("c1", 1);  // Would fit beside a2, but b3 came first.
  taker("d1", 1);
  CHECK(w.run() == "a2+ a2- b3+ b3- c1+ d1+ c1- d1-");
  CHECK(s.free_units() == 3);
}

TEST_CASE("a semaphore that is given too much back panics, and one asked for too much waits") {
  World w;
  semaphore s(2);
  w.go("g", [&] {
    CHECK_THROWS_WITH_AS(s.release(), "semaphore: released more than held", Panic);
    CHECK(s.try_acquire(2));
    CHECK_FALSE(s.try_acquire());
    s.release(2);
    s.acquire(3);
  });
  w.run();
  CHECK(w.result.report.find("[semacquire") != std::string::npos);
}

TEST_CASE("a killed waiter of a semaphore lets those behind it in, and gives back what it got") {
  World w;
  semaphore s(2);
  w.go("holder", [&] {
    s.acquire(1);
    yield();
    yield();
    s.release(1);
  });
  G& big = w.go("big", [&] { s.acquire(2); });
  G& small = w.go("small", [&] { s.acquire(1); });
  w.go("killer", [&] {
    w.scheduler.kill(big);
    yield();  // big unwinds and lets small in.
    CHECK(s.free_units() == 0);
    w.scheduler.kill(small);
  });
  w.run();
  CHECK(s.free_units() == 2);
}
