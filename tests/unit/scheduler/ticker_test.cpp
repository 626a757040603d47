// SPDX-License-Identifier: Apache-2.0
#include "scheduler/sync/ticker.h"

#include <doctest/doctest.h>

#include <string>

#include "scheduler/sync/select.h"
#include "tests/unit/world.h"

using namespace weft;
using weft::test::World;

namespace {

std::string ms(Instant t) {
  return std::to_string(t.ns / 1'000'000);
}

}  // namespace

TEST_CASE("after sends the time once") {
  World w;
  w.go("g", [&] {
    auto c = after(milliseconds(5));
    CHECK(c.cap() == 1);
    CHECK_FALSE(c.try_recv());
    w.say(ms(*c.recv()));
    CHECK(select(on_recv(c), on_timeout(seconds(1))) == 1);
  });
  CHECK(w.run() == "5");
  CHECK(w.clock.now() == Instant{} + milliseconds(1005));
}

TEST_CASE("an after whose channel goes holds nothing up") {
  World w;
  w.go("g", [&] {
    auto done = make_chan<int>(1);
    done.send(1);
    CHECK(select(on_recv(done), on_recv(after(seconds(3600)))) == 0);
  });
  w.run();
  CHECK(w.clock.now() == Instant{});
}

TEST_CASE("a ticker ticks at its period, and a late receiver finds one tick") {
  World w;
  w.go("g", [&] {
    ticker t(milliseconds(10));
    w.say(ms(*t.channel().recv()));
    w.say(ms(*t.channel().recv()));
    sleep_for(milliseconds(35));  // Until 55: the tick of 30 waits, those of 40 and 50 are dropped.
    w.say(ms(*t.channel().recv()));
    w.say(ms(*t.channel().recv()));
  });
  CHECK(w.run() == "10 20 30 60");
}

TEST_CASE("ticks that the loop was late for are one") {
  World w;
  w.go("g", [&] {
    ticker t(milliseconds(10));
    w.clock.advance(milliseconds(47));
    w.say(ms(*t.channel().recv()));
    w.say(ms(*t.channel().recv()));
  });
  CHECK(w.run() == "10 50");
}

TEST_CASE("stop and reset take back what was sent, so that no tick is stale") {
  World w;
  w.go("g", [&] {
    one_shot t(milliseconds(1));
    sleep_for(milliseconds(2));
    CHECK_FALSE(t.stop());
    CHECK_FALSE(t.channel().try_recv());
    CHECK_FALSE(t.reset(milliseconds(3)));
    CHECK(t.reset(milliseconds(4)));
    w.say(ms(*t.channel().recv()));
    t.reset(milliseconds(1));
    CHECK(t.stop());
    ticker every(milliseconds(10));
    every.reset(milliseconds(1));
    w.say(ms(*every.channel().recv()));
    sleep_for(milliseconds(5));
    every.stop();
    CHECK_FALSE(every.channel().try_recv());
  });
  CHECK(w.run() == "6 7");
}

TEST_CASE("a period that is not positive panics with Go's text") {
  World w;
  w.go("g", [&] {
    CHECK_THROWS_WITH_AS(ticker(Duration{}), "non-positive interval for NewTicker", Panic);
    ticker t(milliseconds(1));
    CHECK_THROWS_WITH_AS(t.reset(Duration{}), "non-positive interval for Ticker.Reset", Panic);
  });
  w.run();
}

TEST_CASE("a killed G that waits for a tick leaves no timer behind") {
  World w;
  G& g = w.go("g", [&] {
    ticker t(milliseconds(1));
    for (;;) (void)after(seconds(1)).recv();
  });
  w.go("killer", [&] { w.scheduler.kill(g); });
  w.run();
  CHECK(w.result.end == RunEnd::finished);
  CHECK(w.clock.now() == Instant{});
}
