// SPDX-License-Identifier: Apache-2.0
// lock, note, semaphore and futex: the order of who runs, the time that passes, and each misuse.
#include "os/port/locks.h"

#include "tests/unit/os/port/port_world.h"

using namespace weft;
using weft::test::PortWorld;

TEST_CASE("a lock that another M holds is waited for, first come first served") {
  PortWorld w;
  port::mutex l{};
  for (const char* name : {"a", "b", "c"}) {
    w.m([&w, &l, name] {
      port::lock(&l);
      CHECK(w.scheduler.current_m().locks == 1);
      w.say(std::string(name) + "1");
      port::usleep_no_g(10);
      w.say(std::string(name) + "2");
      port::unlock(&l);
      CHECK(w.scheduler.current_m().locks == 0);
    });
  }
  CHECK(w.run() == "a1 a2 b1 b2 c1 c2");
}

TEST_CASE("misuse of a lock is Go's error") {
  for (const auto& config : {Port::emulated(), Port::strict()}) {
    PortWorld w(config);
    w.on_g([] {
      port::mutex l{};
      CHECK_THROWS_WITH_AS(port::unlock(&l), "unlock of unlocked lock", port::Throw);
      port::lock(&l);
      CHECK_THROWS_WITH_AS(port::lock(&l), "self deadlock", port::Throw);
      port::unlock(&l);
      CHECK_THROWS_WITH_AS(port::unlock(&l), "unlock of unlocked lock", port::Throw);
    });
  }
}

TEST_CASE("a lock count below zero is Go's error") {
  PortWorld w;
  w.on_g([&] {
    port::mutex l{};
    w.scheduler.current_m().locks = -1;
    CHECK_THROWS_WITH_AS(port::lock(&l), "lock count", port::Throw);
    w.scheduler.current_m().locks = 0;
    port::lock(&l);
    w.scheduler.current_m().locks = 0;
    CHECK_THROWS_WITH_AS(port::unlock(&l), "lock count", port::Throw);
    w.scheduler.current_m().locks = 1;
    port::unlock(&l);
  });
}

TEST_CASE("a lock can't be unlocked by an M that does not hold it") {
  PortWorld w;
  port::mutex l{};
  w.m([&] {
    port::lock(&l);
    port::usleep_no_g(10);
    port::unlock(&l);
  });
  w.m([&] {
    CHECK_THROWS_WITH_AS(port::unlock(&l), "unlock of a lock that another M holds", port::Throw);
  });
  w.run();
}

TEST_CASE("an M that ends with a lock ends the run, in Go's words") {
  PortWorld w;
  port::mutex l{};
  w.m([&] { port::lock(&l); });
  CHECK_THROWS_WITH_AS(w.run(), "schedule: holding locks", port::Throw);
}

TEST_CASE("osyield and usleep of a G that holds a lock keep it on its M") {
  PortWorld w;
  port::mutex l{};
  G& holder = w.go("holder", [&] {
    port::lock(&l);
    port::osyield();
    port::usleep(10);
    w.say("holder");
    port::unlock(&l);
  });
  w.go("other", [&] {
    CHECK(holder.state() == GState::running);
    CHECK(&w.scheduler.current_m() != holder.stack->m);
    w.say("other");
  });
  CHECK(w.run() == "other holder");
}

TEST_CASE("a sleeper that is killed while it waits for a lock leaves the line") {
  PortWorld w;
  port::mutex l{};
  w.m([&] {
    port::lock(&l);
    port::usleep_no_g(10);
    port::unlock(&l);
  });
  G& waits = w.go("waits", [&] { port::lock(&l); });
  w.go("kills", [&] {
    port::usleep(5);
    w.scheduler.kill(waits);
  });
  w.m([&] {
    port::usleep_no_g(7);
    port::lock(&l);
    w.say("got it");
    port::unlock(&l);
  });
  CHECK(w.run() == "got it");
}

TEST_CASE("a note lets its sleeper go on, whether it is woken before or after") {
  PortWorld w;
  port::note before{};
  port::note after{};
  port::notewakeup(&before);
  w.m([&] {
    port::notesleep(&before);
    w.say("before");
    port::notesleep(&after);
    w.say("after");
  });
  w.go("wakes", [&] {
    w.say("wakes");
    port::notewakeup(&after);
  });
  CHECK(w.run() == "before wakes after");
}

TEST_CASE("misuse of a note is Go's error") {
  PortWorld w;
  port::note n{};
  port::notewakeup(&n);
  CHECK_THROWS_WITH_AS(port::notewakeup(&n), "notewakeup - double wakeup", port::Throw);
  port::noteclear(&n);
  w.m([&] { port::notesleep(&n); });
  w.m([&] {
    CHECK_THROWS_WITH_AS(port::notesleep(&n), "notesleep - waitm out of sync", port::Throw);
    port::notewakeup(&n);
  });
  w.m([&] { CHECK_THROWS_WITH_AS(port::notetsleepg(&n, 1), "notetsleepg on g0", port::Throw); });
  w.run();
}

TEST_CASE("notetsleep ends by a wake or by its time, and says which") {
  PortWorld w;
  port::note n{};
  w.m([&] {
    CHECK_FALSE(port::notetsleep(&n, 5000));
    CHECK(w.clock.now() == Instant{} + microseconds(5));
    CHECK(port::notetsleep(&n, 1'000'000'000));
    CHECK(w.clock.now() == Instant{} + microseconds(9));
  });
  w.m([&] {
    port::usleep_no_g(9);
    port::notewakeup(&n);
  });
  w.run();
}

TEST_CASE("notetsleepg parks the G alone: no other M is needed") {
  PortWorld w;
  port::note n{};
  w.go("sleeper", [&] {
    CHECK_FALSE(port::notetsleepg(&n, 1000));
    w.say("time");
    CHECK(port::notetsleepg(&n, -1));
    w.say("woken");
  });
  w.go("waker", [&] {
    port::usleep(10);
    port::notewakeup(&n);
  });
  CHECK(w.run() == "time woken");
  CHECK(w.scheduler.mcount() == 1);
}

TEST_CASE("strict: notes throw what wasip1's do, and notetsleepg is a busy loop of yields") {
  PortWorld w(Port::strict());
  port::note n{};
  w.go("sleeper", [&] {
    CHECK_THROWS_WITH_AS(port::notesleep(&n), "notesleep not supported by wasi", port::Throw);
    CHECK_THROWS_WITH_AS((void)port::notetsleep(&n, 1), "notetsleep not supported by wasi",
                         port::Throw);
    CHECK_FALSE(port::notetsleepg(&n, 0));
    const std::uint64_t before = w.scheduler.switches();
    CHECK(port::notetsleepg(&n, -1));
    CHECK(w.scheduler.switches() - before > 20);
  });
  w.go("waker", [&] {
    for (int i = 0; i < 20; ++i) yield();
    port::notewakeup(&n);
  });
  w.run();
  CHECK(w.port.lacking() == "notesleep 1, notetsleep 1");
}

TEST_CASE("a semaphore keeps wakeups that came early, and times out") {
  PortWorld w;
  M& m = w.m([&] {
    port::semacreate(&w.scheduler.current_m());
    CHECK(port::semasleep(3000) == -1);
    CHECK(w.clock.now() == Instant{} + microseconds(3));
    CHECK(port::semasleep(-1) == 0);
    CHECK(port::semasleep(-1) == 0);
    CHECK(port::semasleep(0) == -1);
    w.say("done");
  });
  w.m([&m] {
    port::usleep_no_g(5);
    port::semawakeup(&m);
    port::semawakeup(&m);
  });
  CHECK(w.run() == "done");
}

TEST_CASE("futexwakeup wakes as many as it is told, in the order in which they came") {
  PortWorld w;
  std::uint32_t word = 0;
  for (const char* name : {"a", "b", "c"}) {
    w.m([&w, &word, name] {
      port::futexsleep(&word, 0, -1);
      w.say(name);
    });
  }
  w.m([&] {
    port::futexsleep(&word, 1, -1);  // Another value: returns at once.
    std::uint32_t other = 0;
    CHECK(port::futexwakeup(&other, 9) == 0);
    CHECK(port::futexwakeup(&word, 2) == 2);
    port::usleep_no_g(1);
    w.say("rest");
    CHECK(port::futexwakeup(&word, 9) == 1);
    port::futexsleep(&word, 0, 2000);
    w.say("time");
  });
  CHECK(w.run() == "a b rest c time");
}

TEST_CASE("strict: semaphores and futexes throw") {
  PortWorld w(Port::strict());
  std::uint32_t word = 0;
  w.on_g([&] {
    M* m = &w.scheduler.current_m();
    CHECK_THROWS_AS((void)port::semasleep(-1), port::Throw);
    CHECK_THROWS_AS(port::semawakeup(m), port::Throw);
    CHECK_THROWS_AS(port::futexsleep(&word, 0, -1), port::Throw);
    CHECK_THROWS_WITH_AS(port::futexwakeup(&word, 1), "futexwakeup not supported by wasi",
                         port::Throw);
  });
}

TEST_CASE("a deadlock across Ms and Gs lists both kinds") {
  port::note n{};  // Before the world: what sleeps on it is unwound when the world ends.
  std::uint32_t word = 0;
  PortWorld w;
  w.go("keeps its M", [&] { port::notesleep(&n); });
  w.go("parked", [&] {
    port::note other{};
    (void)port::notetsleepg(&other, -1);
  });
  w.m([&] { port::futexsleep(&word, 0, -1); });
  w.run();
  CHECK(w.result.end == RunEnd::deadlock);
  CHECK(w.result.report ==
        "fatal error: all goroutines are asleep - deadlock!\n\n"
        "goroutine 1 [running]: keeps its M\n"
        "goroutine 2 [sleep, 0.000s]: parked\n"
        "\n"
        "M0: sleeping (note sleep) curg=1\n"
        "M1: sleeping (futex sleep)\n"
        "M2: running\n");  // It found the deadlock.
}
