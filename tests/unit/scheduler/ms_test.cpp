// SPDX-License-Identifier: Apache-2.0
// Several Ms on one thread. w.m("x", f) makes a thread of its own (no G) that runs f.
#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "scheduler/report.h"
#include "tests/unit/world.h"

using namespace weft;
using weft::test::World;

namespace {

struct MWorld : World {
  M& m(std::function<void()> body) {
    bodies.push_back(std::make_unique<std::function<void()>>(std::move(body)));
    auto made = scheduler.new_m([](void* f) { (*static_cast<std::function<void()>*>(f))(); },
                                bodies.back().get());
    WEFT_CHECK(made.ok(), "a test could not make an M");
    return **made;
  }
  void sleep_m_ms(int ms) { scheduler.sleep_m("usleep_no_g", scheduler.now() + milliseconds(ms)); }

  std::vector<std::unique_ptr<std::function<void()>>> bodies;
};

}  // namespace

TEST_CASE("a thread made by new_m runs and ends") {
  MWorld w;
  w.m([&] { w.say("thread"); });
  CHECK(w.scheduler.mcount() == 2);
  CHECK(w.run() == "thread");
  CHECK(w.result.end == RunEnd::finished);
  CHECK(w.scheduler.mcount() == 1);
}

TEST_CASE("threads that give way take turns in the order in which they were made") {
  MWorld w;
  for (const char* name : {"a", "b", "c"}) {
    w.m([&w, name] {
      for (int i = 0; i < 3; ++i) {
        w.say(name);
        w.scheduler.yield_m();
      }
    });
  }
  CHECK(w.run() == "a b c a b c a b c");
}

TEST_CASE("a G whose M sleeps stays running, and the other Gs run on another M") {
  MWorld w;
  G& sleeper = w.go("sleeper", [&] {
    M* const m = &w.scheduler.current_m();
    w.say("sleeps");
    w.sleep_m_ms(10);
    w.say("woke");
    CHECK(&w.scheduler.current_m() == m);
  });
  w.go("other", [&] {
    CHECK(sleeper.state() == GState::running);
    CHECK(sleeper.stack->m->state == MState::sleeping);
    CHECK(&w.scheduler.current_m() != sleeper.stack->m);
    w.say("other");
    sleep_for(milliseconds(20));
    w.say("other-later");
  });
  CHECK(w.run() == "sleeps other woke other-later");
  CHECK(w.scheduler.mcount() == 2);
}

TEST_CASE("an M that has no work is kept and used again") {
  MWorld w;
  for (int i = 0; i < 5; ++i) {
    w.go("sleeper", [&] { w.sleep_m_ms(1); });
    w.go("other", [] { yield(); });
    w.run();
  }
  CHECK(w.scheduler.mcount() == 2);
}

TEST_CASE("an M that sleeps with no G waiting needs no other M") {
  MWorld w;
  w.go("alone", [&] { w.sleep_m_ms(5); });
  w.run();
  CHECK(w.scheduler.mcount() == 1);
  CHECK(w.clock.now() == Instant{} + milliseconds(5));
}

TEST_CASE("sleeping Ms wake in the order of their deadlines") {
  MWorld w;
  const auto sleeper = [&w](const char* name, int ms) {
    w.m([&w, name, ms] {
      w.sleep_m_ms(ms);
      w.say(name);
    });
  };
  sleeper("c", 30);
  sleeper("a", 10);
  sleeper("b", 20);
  CHECK(w.run() == "a b c");
}

TEST_CASE("wake_m ends a sleep before its deadline, and says so") {
  MWorld w;
  M& sleeper = w.m([&] {
    const bool woken = w.scheduler.sleep_m("note sleep", w.scheduler.now() + seconds(9));
    w.say(woken ? "woken" : "deadline");
  });
  w.m([&] {
    while (sleeper.state != MState::sleeping) w.scheduler.yield_m();
    w.scheduler.wake_m(sleeper);
  });
  CHECK(w.run() == "woken");
  CHECK(w.clock.now() == Instant{});
}

TEST_CASE("a G that spins on what a G in the queue sets gets there by giving way at M level") {
  MWorld w;
  bool flag = false;
  w.go("spinner", [&] {
    while (!flag) w.scheduler.yield_m();
    w.say("seen");
  });
  w.go("setter", [&] {
    w.say("sets");
    flag = true;
  });
  CHECK(w.run() == "sets seen");
}

TEST_CASE("an M that gives way alone looks outside, so that what it waits for can happen") {
  MWorld w;
  bool flag = false;
  w.go("spinner", [&] {
    w.poller.at_next_poll([&] { flag = true; });
    while (!flag) w.scheduler.yield_m();
    w.say("seen");
  });
  CHECK(w.run() == "seen");
}

TEST_CASE("threads that only give way do not starve timers") {
  MWorld w;
  bool stop = false;
  for (int i = 0; i < 3; ++i) {
    w.m([&] {
      while (!stop) {
        w.clock.advance(microseconds(10));
        w.scheduler.yield_m();
      }
    });
  }
  w.go("timer", [&] {
    sleep_for(milliseconds(5));
    stop = true;
    w.say("fired");
  });
  CHECK(w.run() == "fired");
}

TEST_CASE("Gs and threads share the thread: neither starves the other") {
  MWorld w;
  int turns = 0;
  bool stop = false;
  w.m([&] {
    while (!stop) {
      ++turns;
      w.scheduler.yield_m();
    }
  });
  for (int i = 0; i < 2; ++i) {
    w.go("g", [&] {
      for (int n = 0; n < 100; ++n) yield();
      stop = true;
    });
  }
  w.run();
  CHECK(turns > 50);
}

TEST_CASE("a locked G runs on its own M only, and that M runs nothing else") {
  MWorld w;
  w.go("locked", [&] {
    w.scheduler.lock_os_thread();
    M* const mine = &w.scheduler.current_m();
    for (int i = 0; i < 5; ++i) {
      yield();
      CHECK(&w.scheduler.current_m() == mine);
      sleep_for(milliseconds(1));
      CHECK(&w.scheduler.current_m() == mine);
    }
    w.scheduler.unlock_os_thread();
    w.say("unlocked");
  });
  for (int i = 0; i < 2; ++i) {
    w.go("free", [&] {
      for (int n = 0; n < 20; ++n) {
        CHECK(w.scheduler.current_m().locked_g == nullptr);
        yield();
      }
      w.say("free");
    });
  }
  CHECK(w.run() == "free free unlocked");
  CHECK(w.result.end == RunEnd::finished);
}

TEST_CASE("locks nest, and one unlock too many does nothing") {
  MWorld w;
  w.go("g", [&] {
    w.scheduler.lock_os_thread();
    w.scheduler.lock_os_thread();
    w.scheduler.unlock_os_thread();
    CHECK(this_g().stack->locked_m == &w.scheduler.current_m());
    w.scheduler.unlock_os_thread();
    CHECK(this_g().stack->locked_m == nullptr);
    w.scheduler.unlock_os_thread();
  });
  w.run();
}

TEST_CASE("a G that ends locked takes its M with it") {
  MWorld w;
  w.go("on M0", [&] {
    // Off M0: it sleeps with this G, and the next one runs on M1.
    w.sleep_m_ms(10);
  });
  w.go("on M1", [&] {
    CHECK(w.scheduler.current_m().id == 1);
    w.scheduler.lock_os_thread();
  });
  w.run();
  CHECK(w.scheduler.mcount() == 1);
}

TEST_CASE("10,000 Ms can live at once, the next one gives Go's error") {
  MWorld w;
  std::size_t ran = 0;
  for (std::size_t i = 1; i < kMsMax; ++i) {
    REQUIRE(w.scheduler.new_m([](void* n) { ++*static_cast<std::size_t*>(n); }, &ran).ok());
  }
  CHECK(w.scheduler.mcount() == 10'000);
  const auto one_more = w.scheduler.new_m([](void*) {}, nullptr);
  REQUIRE_FALSE(one_more.ok());
  CHECK(one_more.error().message ==
        "runtime: program exceeds 10000-thread limit\nfatal error: thread exhaustion");
  w.run();
  CHECK(ran == kMsMax - 1);
  CHECK(w.scheduler.mcount() == 1);
}

TEST_CASE("a deadlock across Ms and Gs lists both") {
  MWorld w;
  w.go("keeps its M", [&] { w.scheduler.sleep_m("note sleep", Instant::far_future()); });
  w.go("parked", [] { park(WaitReason::chan_receive); });
  w.m([&] { w.scheduler.sleep_m("futex wait", Instant::far_future()); });
  w.run();
  CHECK(w.result.end == RunEnd::deadlock);
  CHECK(w.result.report ==
        "fatal error: all goroutines are asleep - deadlock!\n\n"
        "goroutine 1 [running]: keeps its M\n"
        "goroutine 2 [chan receive, 0.000s]: parked\n"
        "\n"
        "M0: sleeping (note sleep) curg=1\n"
        "M1: sleeping (futex wait)\n"
        "M2: running\n");  // It found the deadlock.
}

TEST_CASE("a scheduler that dies ends Ms in every state, and their destructors run") {
  int ended = 0;
  struct Count {
    int& n;
    ~Count() { ++n; }
  };
  {
    MWorld w;
    w.go("asleep with its M", [&] {
      Count count{ended};
      w.scheduler.sleep_m("note sleep", Instant::far_future());
    });
    w.m([&] {
      Count count{ended};
      w.scheduler.sleep_m("futex wait", Instant::far_future());
    });
    w.m([&] {
      Count count{ended};
      for (;;) w.scheduler.yield_m();
    });
    w.go("locked", [&] {
      Count count{ended};
      w.scheduler.lock_os_thread();
      park(WaitReason::select);
    });
    w.go("stops", [&] {
      for (int i = 0; i < 10; ++i) yield();
      w.scheduler.stop();
    });
    w.run();
    CHECK(w.result.end == RunEnd::stopped);
    w.m([&] { w.say("never runs"); });
  }
  CHECK(ended == 4);
}

TEST_CASE("an exception that leaves a thread comes out of run") {
  MWorld w;
  w.m([] { throw std::runtime_error("thread"); });
  CHECK_THROWS_WITH(w.scheduler.run(), "thread");
}

TEST_CASE("the port is told of each M's life, in Go's order") {
  struct Port : MHooks {
    std::string seen;
    void note(const char* what, const M& m) { seen += what + std::to_string(m.id) + ' '; }
    void mpreinit(M& m) override { note("mpreinit", m); }
    void minit(M& m) override { note("minit", m); }
    void unminit(M& m) override { note("unminit", m); }
    void mdestroy(M& m) override { note("mdestroy", m); }
    void newosproc(M& m) override { note("newosproc", m); }
  } port;
  MWorld w;
  w.scheduler.set_hooks(&port);
  w.m([] {});
  w.run();
  CHECK(port.seen == "newosproc1 mpreinit1 minit1 unminit1 mdestroy1 ");
}

TEST_CASE("a port may forbid new Ms, and nothing is left of the one that it forbade") {
  struct Strict : MHooks {
    void mpreinit(M&) override {}
    void minit(M&) override {}
    void unminit(M&) override {}
    void mdestroy(M&) override {}
    void newosproc(M&) override { throw std::runtime_error("newosproc: not implemented"); }
  } strict;
  MWorld w;
  w.scheduler.set_hooks(&strict);
  CHECK_THROWS_WITH((void)w.scheduler.new_m([](void*) {}, nullptr), "newosproc: not implemented");
  CHECK(w.scheduler.mcount() == 1);
  w.go("sleeper", [&] { w.sleep_m_ms(1); });
  w.go("waits for an M", [] {});
  CHECK_THROWS_WITH(w.scheduler.run(), "newosproc: not implemented");
  w.scheduler.set_hooks(nullptr);
  CHECK(w.scheduler.run().end == RunEnd::finished);
}

TEST_CASE("preempt_m makes the current G of an M yield at its next checkpoint") {
  MWorld w;
  w.go("a", [&] {
    checkpoint();
    w.say("a1");
    Scheduler::preempt_m(w.scheduler.current_m());
    checkpoint();
    w.say("a2");
  });
  w.go("b", [&] { w.say("b"); });
  CHECK(w.run() == "a1 b a2");
}

TEST_CASE("eight Ms with their own Gs spin, sleep and wait in an exact order") {
  MWorld w;
  M* waiting[8] = {};
  for (int i = 0; i < 8; ++i) {
    w.m([&w, &waiting, i] {
      const std::string id = std::to_string(i);
      w.say("y" + id);
      w.scheduler.yield_m();
      w.sleep_m_ms(8 - i);
      w.say("s" + id);
      if (i % 2 == 0) {
        waiting[i] = &w.scheduler.current_m();
        w.scheduler.sleep_m("note sleep", Instant::far_future());
      } else {
        // The even neighbour below sleeps longer: wait for it, then wake it.
        while (waiting[i - 1] == nullptr || waiting[i - 1]->state != MState::sleeping) {
          w.sleep_m_ms(1);
        }
        w.scheduler.wake_m(*waiting[i - 1]);
      }
      w.say("e" + id);
    });
  }
  CHECK(w.run() == "y0 y1 y2 y3 y4 y5 y6 y7 s7 s6 e7 e6 s5 s4 e5 e4 s3 s2 e3 e2 s1 s0 e1 e0");
}
