// SPDX-License-Identifier: Apache-2.0
#include "scheduler/scheduler.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <thread>

#include "scheduler/report.h"
#include "tests/unit/world.h"

using namespace weft;
using weft::test::World;

TEST_CASE("Gs run in the order in which they were spawned") {
  World w;
  for (const char* name : {"a", "b", "c"}) w.go(name, [&w, name] { w.say(name); });
  CHECK(w.run() == "a b c");
  CHECK(w.result.end == RunEnd::finished);
  CHECK(w.scheduler.live() == 0);
}

TEST_CASE("a yield goes to the tail of the queue") {
  World w;
  for (const char* name : {"a", "b", "c"}) {
    w.go(name, [&w, name] {
      for (int i = 0; i < 3; ++i) {
        w.say(name);
        yield();
      }
    });
  }
  CHECK(w.run() == "a b c a b c a b c");
}

TEST_CASE("a yield of the only G returns at once") {
  World w;
  w.go("alone", [&] {
    for (int i = 0; i < 200; ++i) yield();
    w.say("done");
  });
  CHECK(w.run() == "done");
}

TEST_CASE("a G spawned by a G runs after those that were already queued") {
  World w;
  w.go("a", [&] {
    w.say("a");
    (void)go([&] { w.say("child"); });
    yield();
    w.say("a'");
  });
  w.go("b", [&] { w.say("b"); });
  CHECK(w.run() == "a b child a'");
}

TEST_CASE("ready_next puts a parked G before the queue, at most every second time") {
  World w;
  G* pair[2] = {};
  int readied = 0;
  int before_all = 0;
  bool over = false;
  const auto is_over = [&over] { return over; };
  for (int me : {0, 1}) {
    pair[me] = &w.go("hands on", [&, me] {
      if (me == 0) park(WaitReason::semacquire);
      for (; !is_over(); ++readied) {
        w.scheduler.ready_next(*pair[1 - me]);
        if (w.scheduler.run_queue().peek(0) == pair[1 - me]) ++before_all;
        park(WaitReason::semacquire);
      }
      w.scheduler.kill(*pair[1 - me]);
    });
  }
  w.go("other", [&] {
    for (int i = 0; i < 100; ++i) yield();
    over = true;
  });
  w.run();
  CHECK(before_all > 100);
  CHECK(before_all < readied);
  const auto windows = w.scheduler.switches() / kNextWindow + 1;
  CHECK(static_cast<std::uint64_t>(before_all) <= windows * kNextMax);
}

TEST_CASE("ready puts a parked G at the tail") {
  World w;
  G& sleeper = w.go("sleeper", [&] {
    w.say("parks");
    park(WaitReason::semacquire);
    w.say("woken");
  });
  w.go("waker", [&] {
    ready(sleeper);
    w.say("readied");
    yield();
    w.say("later");
  });
  w.go("other", [&] { w.say("other"); });
  CHECK(w.run() == "parks readied other woken later");
}

TEST_CASE("with n runnable Gs each runs at least once in every n switches") {
  World w;
  constexpr std::size_t kGs = 7;
  std::size_t last_run[kGs] = {};
  for (std::size_t i = 0; i < kGs; ++i) {
    w.go("g", [&, i] {
      for (int turn = 0; turn < 500; ++turn) {
        const std::size_t now = w.scheduler.switches();
        if (turn > 0) CHECK(now - last_run[i] <= kGs);
        last_run[i] = now;
        yield();
      }
    });
  }
  w.run();
}

TEST_CASE("a G that is always runnable starves neither timers nor I/O") {
  World w;
  bool stop = false;
  w.go("spinner", [&] {
    while (!stop) {
      w.clock.advance(microseconds(1));
      yield();
    }
  });
  w.go("timer", [&] {
    sleep_for(milliseconds(1));
    w.say("timer");
    w.poller.at_next_poll([&] {
      w.say("event");
      stop = true;
    });
  });
  CHECK(w.run() == "timer event");
}

TEST_CASE("the loop looks outside once in every 61 switches") {
  World w;
  w.go("spinner", [] {
    for (int i = 0; i < 6100; ++i) yield();
  });
  w.run();
  CHECK(w.poller.looked() >= 100);
  CHECK(w.poller.looked() <= 108);  // The first come sooner.
}

TEST_CASE("sleepers wake in the order of their deadlines, ties in the order of arming") {
  World w;
  const auto sleeper = [&](const char* name, int ms) {
    w.go(name, [&w, name, ms] {
      sleep_for(milliseconds(ms));
      w.say(name);
    });
  };
  sleeper("c", 30);
  sleeper("a", 10);
  sleeper("b1", 20);
  sleeper("b2", 20);
  CHECK(w.run() == "a b1 b2 c");
  CHECK(w.clock.now() == Instant{} + milliseconds(30));
}

TEST_CASE("sleeping no time at all returns without a yield, as Go's Sleep does") {
  World w;
  w.go("a", [&] {
    sleep_for(Duration{0});
    sleep_for(milliseconds(-5));
    w.say("a");
  });
  w.go("b", [&] { w.say("b"); });
  CHECK(w.run() == "a b");
}

TEST_CASE("park_until tells readiness from the deadline") {
  World w;
  G& g = w.go("g", [&] {
    const Instant soon = now() + milliseconds(5);
    w.say(w.scheduler.park_until(WaitReason::io_wait, soon) ? "ready" : "deadline");
    w.say(w.scheduler.park_until(WaitReason::io_wait, now() + milliseconds(5)) ? "ready"
                                                                               : "deadline");
  });
  w.go("waker", [&] { ready(g); });
  CHECK(w.run() == "ready deadline");
}

TEST_CASE("a deadline that passes between readiness and the G's turn does no harm") {
  World w;
  G& g = w.go("g", [&] {
    (void)w.scheduler.park_until(WaitReason::io_wait, now() + milliseconds(5));
    w.say("woken");
  });
  w.go("waker", [&] {
    for (int i = 2; i < kSwitchesPerLook; ++i) yield();
    w.clock.advance(milliseconds(10));
    ready(g);
  });
  CHECK(w.run() == "woken");
}

TEST_CASE("all Gs parked is a deadlock, reported with Go's text and a line for each G") {
  World w;
  w.go("left", [] { park(WaitReason::chan_receive); });
  w.go("", [] { park(WaitReason::sync_mutex_lock); });
  w.run();
  CHECK(w.result.end == RunEnd::deadlock);
  CHECK(w.result.report ==
        "fatal error: all goroutines are asleep - deadlock!\n\n"
        "goroutine 1 [chan receive, 0.000s]: left\n"
        "goroutine 2 [sync.Mutex.Lock, 0.000s]:\n");
}

TEST_CASE("a dump shows each G's state and how long it has waited") {
  World w;
  w.go("waits", [] { park(WaitReason::chan_send); });
  w.go("sleeps", [&] {
    sleep_for(milliseconds(1500));
    (void)go([] {}, {.name = "new"});
    w.trace = dump_gs(w.scheduler.census());
  });
  w.run();
  CHECK(w.trace ==
        "goroutine 1 [chan send, 1.500s]: waits\n"
        "goroutine 2 [running]: sleeps\n"
        "goroutine 3 [runnable]: new\n");
}

TEST_CASE("a dump shows no control character of a G's name, which may be that of a file") {
  World w;
  w.go("a\n\x1b[31mred", [&] { w.trace = dump_gs(w.scheduler.census()); });
  w.run();
  CHECK(w.trace == "goroutine 1 [running]: a\\x0a\\x1b[31mred\n");
}

TEST_CASE("a wait for something outside is no deadlock") {
  World w;
  G& g = w.go("g", [&] {
    w.scheduler.park_for_outside();
    w.say("readied");
  });
  std::thread other;
  w.go("starter", [&] {
    w.poller.at_next_poll([&] {
      other = std::thread([&] { w.scheduler.ready_from_outside(g); });
      other.join();
    });
  });
  CHECK(w.run() == "readied");
  CHECK(w.poller.woken() == 1);
}

TEST_CASE("readiness from outside that comes before the park is not lost") {
  World w;
  w.go("g", [&] {
    w.scheduler.ready_from_outside(this_g());
    for (int i = 0; i < 100; ++i) yield();  // The loop takes the readiness from its inbox.
    w.scheduler.park_for_outside();
    w.say("went on");
  });
  CHECK(w.run() == "went on");
}

TEST_CASE("stop returns from run, and the next run goes on") {
  World w;
  w.go("a", [&] {
    w.say("before");
    w.scheduler.stop();
    yield();
    w.say("after");
  });
  CHECK(w.run() == "before");
  CHECK(w.result.end == RunEnd::stopped);
  CHECK(w.run() == "before after");
  CHECK(w.result.end == RunEnd::finished);
}

TEST_CASE("a checkpoint yields only when it was asked to") {
  World w;
  w.go("a", [&] {
    checkpoint();
    w.say("a1");
    Scheduler::request_preempt(this_g());
    checkpoint();
    w.say("a2");
    checkpoint();
    w.say("a3");
  });
  w.go("b", [&] { w.say("b"); });
  CHECK(w.run() == "a1 b a2 a3");
}

TEST_CASE("a G that is preempted runs again behind those whose time has come meanwhile") {
  World w;
  w.go("sleeper", [&] {
    sleep_for(milliseconds(1));
    w.say("woke");
  });
  w.go("loop", [&] {
    w.clock.advance(milliseconds(2));
    Scheduler::request_preempt(this_g());
    checkpoint();
    w.say("went on");
  });
  CHECK(w.run() == "woke went on");
}

TEST_CASE("a chooser decides who runs next") {
  struct Newest : Chooser {
    std::size_t next_g(const RunQueue& queue) noexcept override { return queue.size() - 1; }
  } newest;
  World w;
  w.scheduler.set_chooser(&newest);
  for (const char* name : {"a", "b", "c", "d"}) w.go(name, [&w, name] { w.say(name); });
  CHECK(w.run() == "d c b a");
}

TEST_CASE("an event sink sees every change of state") {
  struct Sink : EventSink {
    std::string seen;
    void on_event(const GEvent& event) noexcept override {
      seen += name(event.to);
      if (event.to == GState::waiting) (seen += ':') += name(event.g.wait_reason);
      seen += ' ';
    }
  } sink;
  World w;
  w.scheduler.set_event_sink(&sink);
  w.go("a", [] { sleep_for(milliseconds(1)); });
  w.run();
  w.scheduler.set_event_sink(nullptr);
  CHECK(sink.seen == "runnable running waiting:sleep runnable running dead ");
}

TEST_CASE("Gs with stacks of different sizes live side by side") {
  World w;
  for (const std::size_t bytes : {std::size_t{1} << 19, std::size_t{1} << 23}) {
    CHECK(w.scheduler
              .spawn(
                  [&w, bytes] {
                    volatile char deep[200'000];
                    deep[0] = 1;
                    deep[sizeof deep - 1] = 1;
                    yield();
                    w.say(bytes == std::size_t{1} << 19 ? "small" : "large");
                  },
                  {.stack_bytes = bytes})
              .ok());
  }
  CHECK(w.run() == "small large");
}

TEST_CASE("on_exit is called once the G is dead, and may ready another") {
  World w;
  G& waiter = w.go("waiter", [&] {
    park(WaitReason::join);
    w.say("joined");
  });
  CHECK(w.scheduler
            .spawn([&] { w.say("child"); },
                   {.on_exit = [](G&, void* g) { ready(*static_cast<G*>(g)); },
                    .on_exit_context = &waiter})
            .ok());
  CHECK(w.run() == "child joined");
}

TEST_CASE("interrupt() makes the loop call its function once, on g0, also when nothing waits") {
  World w;
  int calls = 0;
  struct Seen {
    World& w;
    int& calls;
  } seen{w, calls};
  w.scheduler.on_interrupt(
      [](void* context) {
        auto& [world, n] = *static_cast<Seen*>(context);
        CHECK(world.scheduler.current() == nullptr);
        ++n;
      },
      &seen);
  w.go("g", [&] {
    w.scheduler.interrupt();
    w.scheduler.interrupt();
    sleep_for(milliseconds(1));
    CHECK(calls == 1);
  });
  w.run();
  CHECK(calls == 1);
}

TEST_CASE("stop() from an interrupt ends a run in which every G waits") {
  World w;
  w.scheduler.on_interrupt([](void* s) { static_cast<Scheduler*>(s)->stop(); }, &w.scheduler);
  w.go("g", [&] {
    w.scheduler.interrupt();
    sleep_for(seconds(1000));
  });
  w.run();
  CHECK(w.result.end == RunEnd::stopped);
  CHECK(w.clock.now() < Instant{} + seconds(1000));
}
