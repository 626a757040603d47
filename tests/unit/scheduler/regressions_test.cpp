// SPDX-License-Identifier: Apache-2.0
// Bugs that were, each named after its symptom.
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>

#include "tests/unit/world.h"

using namespace weft;
using weft::test::World;

namespace {

// A port where no second M can be made.
struct NoThreads : MHooks {
  void mpreinit(M&) override {}
  void minit(M&) override {}
  void unminit(M&) override {}
  void mdestroy(M&) override {}
  void newosproc(M&) override { throw std::runtime_error("newosproc: not implemented"); }
};

// A G locked to M1, and a run that was stopped while it was queued.
void stop_with_a_locked_g(World& w) {
  w.go("keeps M0", [&] { w.scheduler.sleep_m("sleep", now() + seconds(1)); });
  w.go("locked", [&] {
    w.scheduler.lock_os_thread();
    yield();
    w.scheduler.stop();
    yield();
    w.say("locked-ended");
  });
  w.run();
  CHECK(w.result.end == RunEnd::stopped);
}

}  // namespace

TEST_CASE("run() after stop() with a G locked to another M aborted") {
  World w;
  stop_with_a_locked_g(w);
  CHECK(w.run() == "locked-ended");
  CHECK(w.result.end == RunEnd::finished);
}

TEST_CASE("a scheduler that died with a queued locked G aborted") {
  World w;
  stop_with_a_locked_g(w);
}

TEST_CASE("a scheduler that died where no M can be made never came back") {
  NoThreads port;
  World w;
  w.scheduler.set_hooks(&port);
  w.go("locked", [&] {
    w.scheduler.lock_os_thread();
    park(WaitReason::select);
  });
  w.run();
  CHECK(w.result.end == RunEnd::deadlock);
}

TEST_CASE("a second kill, during the unwinding of the first, ended the process") {
  World w;
  struct SleepsInDestructor {
    World& world;
    ~SleepsInDestructor() {
      sleep_for(milliseconds(5));
      world.say("destroyed");
    }
  };
  G& g = w.go("killed twice", [&] {
    SleepsInDestructor guard{w};
    park(WaitReason::select);
  });
  w.go("killer", [&] {
    w.scheduler.kill(g);
    sleep_for(milliseconds(1));
    w.scheduler.kill(g);
  });
  CHECK(w.run() == "destroyed");
}

TEST_CASE("a wake before the deadline was reported as the deadline when the G ran late") {
  World w;
  G& g = w.go("sleeper", [&] {
    const bool readied = w.scheduler.park_until(WaitReason::io_wait, now() + milliseconds(1));
    w.say(readied ? "readied" : "deadline");
  });
  w.go("waker", [&] {
    ready(g);
    w.clock.advance(milliseconds(2));
    for (int i = 0; i < 100 && !w.trace.empty(); ++i) yield();
  });
  for (int i = 0; i < 70; ++i) w.go("between", [] {});
  w.run();
  CHECK(w.trace == "readied");
}

TEST_CASE("a new G went on by a readiness that was meant for the dead one in its place") {
  World w;
  G* first = &w.go("dies", [&] { w.scheduler.ready_from_outside(this_g()); });
  w.run();
  G* second = &w.go("waits", [&] {
    w.scheduler.park_for_outside();
    w.say("asked");
  });
  CHECK(first == second);
  w.go("asks", [&] {
    for (int i = 0; i < 100; ++i) yield();
    CHECK(w.trace.empty());
    w.scheduler.ready_from_outside(*second);
  });
  CHECK(w.run() == "asked");
}

TEST_CASE("a timer that threw left the scheduler running for ever") {
  struct Throws : Timer {
    Throws() : Timer([](Timer&) { throw std::runtime_error("timer"); }) {}
  } timer;
  World w;
  w.go("sleeps", [] { sleep_for(seconds(1)); });
  w.scheduler.arm(timer, Instant{} + milliseconds(1));
  CHECK_THROWS_WITH(w.scheduler.run(), "timer");
  w.run();
  CHECK(w.result.end == RunEnd::finished);
}
