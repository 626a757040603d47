// SPDX-License-Identifier: Apache-2.0
// The port as a whole: what its calls do to who runs, threads without a G, and several ports.
#include "os/port/port.h"

#include "tests/unit/os/port/port_world.h"

using namespace weft;
using weft::test::PortWorld;

TEST_CASE("a G that spins on what another M's G sets ends in both forms of osyield") {
  for (void (*give_way)() : {&port::osyield, &port::osyield_no_g}) {
    PortWorld w;
    std::atomic<bool> flag = false;
    // The setter keeps an M of its own while it sleeps there; the spinner runs on another.
    w.go("setter", [&] {
      port::usleep_no_g(1000);
      flag = true;
      w.say("set");
    });
    w.go("spinner", [&] {
      while (!flag) {
        w.clock.advance(microseconds(1));
        give_way();
      }
      w.say("seen");
    });
    CHECK(w.run() == "set seen");
  }
}

TEST_CASE("eight Ms that osyield, usleep_no_g and wait for notes run in an exact order") {
  PortWorld w;
  port::note notes[8] = {};
  for (int i = 0; i < 8; ++i) {
    w.m([&w, &notes, i] {
      const std::string id = std::to_string(i);
      port::osyield();
      w.say("y" + id);
      port::usleep_no_g(static_cast<std::uint32_t>(8 - i));
      w.say("s" + id);
      if (i % 2 == 0) {
        port::notesleep(&notes[i]);
      } else {
        port::usleep_no_g(4);
        port::notewakeup(&notes[i - 1]);
      }
      w.say("e" + id);
    });
  }
  CHECK(w.run() == "y0 y1 y2 y3 y4 y5 y6 y7 s7 s6 s5 s4 s3 e7 e6 s2 s1 e5 e4 s0 e3 e2 e1 e0");
}

TEST_CASE("a thread without a G may write and poll: a G does it while the thread sleeps") {
  PortWorld w;
  w.m([&] {
    CHECK(port::write1(1, "thread", 6) == 6);
    port::subscription in{};
    port::event out{};
    port::size n = 0;
    *in.u.subscriptionClock() = {port::clockMonotonic, 3000, 1000, 0};
    CHECK(port::poll_oneoff(&in, &out, 1, &n) == 0);
    w.say("polled");
    CHECK_THROWS_WITH_AS(port::write1(9, "", 0), "fd_write failed", port::Throw);
  });
  w.m([&] { w.say("other"); });
  CHECK(w.run() == "other polled");
  CHECK(w.output.text() == "thread");
}

TEST_CASE("a thread that is killed while a G polls for it takes the G back") {
  auto w = std::make_unique<PortWorld>();
  w->m([&] { port::usleep(1); });
  w->m([&] {
    port::subscription in{};
    port::event out{};
    port::size n = 0;
    *in.u.subscriptionClock() = {port::clockMonotonic, 1'000'000'000, 1000, 0};
    (void)port::poll_oneoff(&in, &out, 1, &n);
    w->say("never");
  });
  w->go("stops", [&] {
    port::usleep(5);
    w->scheduler.stop();
  });
  CHECK(w->run().empty());
  w.reset();
}

TEST_CASE("calls from outside of a G and of a thread are an error that says so") {
  PortWorld w;
  CHECK_THROWS_WITH_AS(port::osyield_no_g(), "osyield_no_g: called outside of a G and of a thread",
                       port::Throw);
  CHECK_THROWS_AS(port::write1(1, "x", 1), port::Throw);
  port::note n{};
  CHECK_THROWS_AS(port::notesleep(&n), port::Throw);
}

TEST_CASE("without a port on this thread a call says so") {
  CHECK_THROWS_WITH_AS((void)port::nanotime1(), "no port on this thread", port::Throw);
}

TEST_CASE("each scheduler has its own port, also while one runs inside the other") {
  PortWorld outer;
  PortWorld inner(Port::strict());
  outer.go("outer", [&] {
    CHECK_FALSE(this_port().is_strict());
    inner.on_g([] { CHECK(this_port().is_strict()); });
    CHECK_FALSE(this_port().is_strict());
  });
  outer.run();
}

TEST_CASE("an emulated port counts what a wasm target lacks") {
  PortWorld w;
  w.m([] {
    port::osyield();
    port::osyield_no_g();
    port::osyield_no_g();
  });
  w.run();
  CHECK(w.port.lacking() == "osyield 1, osyield_no_g 2, newosproc 1");
}

TEST_CASE("exitThread on a G ends the G and its M") {
  PortWorld w;
  w.go("sleeps on M0", [] { port::usleep_no_g(10); });
  w.go("leaves", [&] {
    CHECK(w.scheduler.current_m().id == 1);
    port::exitThread(nullptr);
  });
  w.run();
  CHECK(w.result.end == RunEnd::finished);
  CHECK(w.scheduler.mcount() == 1);
}

TEST_CASE("the 10,001st M is Go's thread exhaustion") {
  PortWorld w;
  for (std::size_t i = 1; i < kMsMax; ++i) port::newosproc([](void*) {}, nullptr);
  CHECK_THROWS_WITH_AS(port::newosproc([](void*) {}, nullptr), kThreadExhaustion, port::Throw);
  w.run();
  CHECK(w.scheduler.mcount() == 1);
}

TEST_CASE("strict: poll_oneoff waits for descriptors and time with the whole thread") {
  Port::Config config = Port::strict();
  std::int64_t slept_ns = 0;
  config.host_sleep = [&](Duration d) { slept_ns += d.ns; };
  PortWorld w(config);
  port::subscription in[3] = {};
  port::event out[3];
  port::size n = 0;
  in[0].userdata = 1;
  *in[0].u.subscriptionClock() = {port::clockMonotonic, 5000, 0, 0};
  in[1].userdata = 2;
  *in[1].u.eventtype() = port::eventtypeFdWrite;
  in[1].u.subscriptionFdReadwrite()->fd = 1;
  in[2].userdata = 3;
  *in[2].u.eventtype() = port::eventtypeFdRead;
  in[2].u.subscriptionFdReadwrite()->fd = 77;
  CHECK(port::poll_oneoff(in, out, 1, &n) == 0);
  CHECK(slept_ns == 5000);
  CHECK(out[0].userdata == 1);
  CHECK(port::poll_oneoff(in, out, 3, &n) == 0);
  REQUIRE(n == 2);
  CHECK(out[0].userdata == 2);
  CHECK(out[0].error == 0);
  CHECK(out[1].userdata == 3);
  CHECK(out[1].error == 8);
}

TEST_CASE("a port that dies ends what is left in its scheduler, which may still call it") {
  PortWorld w;
  {
    PortWorld inner;
    inner.m([] {
      std::uint32_t word = 0;
      port::futexsleep(&word, 0, -1);
    });
    inner.m([] { (void)port::semasleep(-1); });
    inner.m([&] {
      port::mutex l{};
      struct Unlock {
        port::mutex& l;
        PortWorld& outer;
        ~Unlock() {
          port::unlock(&l);
          outer.say("unlocked");
        }
      };
      port::lock(&l);
      const Unlock unlock{l, w};
      port::usleep(1'000'000);
    });
    inner.go("stops", [&] {
      port::usleep(10);
      inner.scheduler.stop();
    });
    inner.run();
  }
  CHECK(w.trace == "unlocked");
}

TEST_CASE("strict: LockOSThread does nothing, as there is one thread for ever") {
  PortWorld w(Port::strict());
  w.on_g([&] {
    w.scheduler.lock_os_thread();
    CHECK(this_g().stack->locked_m == nullptr);
    w.scheduler.unlock_os_thread();
  });
}
