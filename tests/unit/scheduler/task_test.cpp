// SPDX-License-Identifier: Apache-2.0
#include "scheduler/sync/task.h"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "scheduler/local.h"
#include "tests/unit/world.h"

using namespace weft;
using weft::test::World;

TEST_CASE("join returns what the function returned") {
  World w;
  w.go("main", [&] {
    auto slow = spawn([] {
      sleep_for(milliseconds(1));
      return std::string("slow");
    });
    auto quick = spawn([] { return std::make_unique<int>(7); });
    auto nothing = spawn([&] { w.say("ran"); });
    CHECK_FALSE(slow.done());
    CHECK(slow.join() == "slow");
    CHECK(quick.done());
    CHECK(*quick.join() == 7);
    nothing.join();
    CHECK_FALSE(nothing.joinable());
  });
  CHECK(w.run() == "ran");
}

TEST_CASE("join throws what left the function") {
  World w;
  w.go("main", [&] {
    auto early = spawn([] { throw std::runtime_error("early"); });
    auto late = spawn([]() -> int {
      sleep_for(milliseconds(1));
      throw std::logic_error("late");
    });
    yield();
    CHECK_THROWS_WITH_AS(early.join(), "early", std::runtime_error);
    CHECK_THROWS_WITH_AS(late.join(), "late", std::logic_error);
    w.say("caught");
  });
  CHECK(w.run() == "caught");
}

TEST_CASE("an exception that can't be joined is a panic: at once, or when the handle goes") {
  World w;
  w.go("main", [&] {
    auto first = spawn([] { throw std::runtime_error("no handle"); });
    first.detach();
    yield();
    w.say("not yet");
  });
  CHECK_THROWS_WITH(w.scheduler.run(), "no handle");
  CHECK(w.scheduler.failed_g_id() == 2);
  CHECK(w.run() == "not yet");

  w.go("main", [&] {
    auto second = spawn([] { throw std::runtime_error("dropped"); });
    yield();
    w.say("dropping");
  });
  CHECK_THROWS_WITH(w.scheduler.run(), "dropped");
  CHECK(w.trace == "not yet dropping");
  CHECK(w.scheduler.failed_g_id() == 4);
}

TEST_CASE("a killed task has no result, whether it ran or not") {
  World w;
  w.go("main", [&] {
    auto asleep = spawn([] {
      sleep_for(seconds(9));
      return 1;
    });
    yield();
    auto never_ran = spawn([] { return 2; });
    auto left = spawn([]() -> int { goexit(); });
    asleep.kill();
    never_ran.kill();
    CHECK_THROWS_AS((void)asleep.join(), TaskKilled);
    CHECK_THROWS_AS((void)never_ran.join(), TaskKilled);
    CHECK_THROWS_AS((void)left.join(), TaskKilled);
    w.say("three");
  });
  CHECK(w.run() == "three");
  CHECK(w.clock.now() == Instant{});
}

TEST_CASE("a killed joiner leaves the task alone") {
  World w;
  w.go("main", [&] {
    G* joiner = nullptr;
    auto task = spawn([&] {
      sleep_for(milliseconds(1));
      w.say("task");
    });
    joiner = *go([&] { task.join(); });
    yield();
    w.scheduler.kill(*joiner);
    sleep_for(milliseconds(2));
  });
  CHECK(w.run() == "task");
}

TEST_CASE("the exception of a task whose joiner was killed meanwhile is a panic, not lost") {
  World w;
  w.go("main", [] {
    auto fails = spawn([] {
      sleep_for(milliseconds(1));
      throw std::runtime_error("nobody joins any more");
    });
    const Result<G*> joiner = go([task = std::move(fails)]() mutable { task.join(); });
    yield();
    this_scheduler().kill(*joiner.value());
  });
  CHECK_THROWS_WITH(w.scheduler.run(), "nobody joins any more");
}

TEST_CASE("a join waits with its reason, and a task has its G's id and name") {
  World w;
  w.go("main", [&] {
    auto task = spawn([] { park(WaitReason::semacquire); }, {.name = "stuck"});
    CHECK(task.id() == 2);
    task.join();
  });
  w.run();
  CHECK(w.result.report ==
        "fatal error: all goroutines are asleep - deadlock!\n\n"
        "goroutine 1 [join, 0.000s]: main\n"
        "goroutine 2 [semacquire, 0.000s]: stuck\n");
}

TEST_CASE("goexit runs the destructors of its G and ends nothing else") {
  struct SayAtEnd {
    World& w;
    ~SayAtEnd() { w.say("destroyed"); }
  };
  World w;
  w.go("g", [&] {
    SayAtEnd guard{w};
    goexit();
  });
  w.go("other", [&] { w.say("other"); });
  CHECK(w.run() == "destroyed other");
}

TEST_CASE("each G has its own value of a G-local variable, destroyed at its end, newest first") {
  struct Named {
    World* w = nullptr;
    std::string name;
    ~Named() {
      if (w != nullptr) w->say("~" + name);
    }
  };
  GLocal<Named> first;
  GLocal<Named> second;
  GLocal<int> count;
  World w;
  for (const char* name : {"a", "b"}) {
    w.go(name, [&, name] {
      CHECK(*count == 0);
      first->w = &w;
      second->w = &w;
      first->name = std::string(name) + "1";
      second->name = std::string(name) + "2";
      ++*count;
      yield();
      CHECK(first->name == std::string(name) + "1");
      CHECK(*count == 1);
    });
  }
  CHECK(w.run() == "~a2 ~a1 ~b2 ~b1");
}
