// SPDX-License-Identifier: Apache-2.0
#include "scheduler/sync/select.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "tests/unit/world.h"

using namespace weft;
using weft::test::World;

namespace {

// Says "WORD VALUE" with what a receive case got.
auto saying(World& w, const std::string& word) {
  return [&w, word](std::optional<int> v) { w.say(word + (v ? std::to_string(*v) : "closed")); };
}

}  // namespace

TEST_CASE("select does the one case that is ready") {
  World w;
  auto a = make_chan<int>(1);
  auto b = make_chan<int>(1);
  w.go("g", [&] {
    b.send(2);
    CHECK(select(on_recv(a, saying(w, "a")), on_recv(b, saying(w, "b"))) == 1);
    CHECK(select(on_recv(b, saying(w, "b")), on_send(a, 3, [&] { w.say("sent"); })) == 1);
    CHECK(select(on_recv(a, saying(w, "a")), on_recv(b)) == 0);
  });
  CHECK(w.run() == "b2 sent a3");
}

TEST_CASE("with none ready, otherwise is chosen; a nil channel never is") {
  World w;
  auto c = make_chan<int>();
  chan<int> nil;
  w.go("g", [&] {
    CHECK(select(on_recv(c), on_send(nil, 1), on_recv(nil), otherwise([&] { w.say("o"); })) == 3);
    CHECK(select(otherwise()) == 0);
  });
  CHECK(w.run() == "o");
}

TEST_CASE("select waits for the case that becomes ready first") {
  World w;
  auto a = make_chan<int>();
  auto b = make_chan<int>();
  w.go("selector", [&] {
    for (int i = 0; i < 3; ++i) {
      select(on_recv(a, saying(w, "a")), on_send(b, 9, [&] { w.say("b-sent"); }));
    }
  });
  w.go("other", [&] {
    a.send(1);
    w.say("got" + std::to_string(*b.recv()));
    a.close();
  });
  CHECK(w.run() == "a1 b-sent got9 aclosed");
}

TEST_CASE("two selects meet, each on the other's channels") {
  World w;
  auto a = make_chan<int>();
  auto b = make_chan<int>();
  w.go("one", [&] { select(on_send(a, 1), on_recv(b, saying(w, "one-got-"))); });
  w.go("two", [&] { select(on_recv(a, saying(w, "two-got-")), on_send(b, 2)); });
  w.run();
  const bool a_crossed = w.trace == "two-got-1";
  const bool b_crossed = w.trace == "one-got-2";
  CHECK((a_crossed || b_crossed));
  CHECK(w.result.end == RunEnd::finished);
}

TEST_CASE("each ready case is chosen about equally often") {
  World w;
  std::array<int, 4> chosen{};
  w.go("g", [&] {
    std::array<chan<int>, 3> c{make_chan<int>(1), make_chan<int>(1), make_chan<int>(1)};
    chan<int> nil;
    for (auto& one : c) one.close();
    for (int i = 0; i < 30'000; ++i) {
      ++chosen[select(on_recv(c[0]), on_recv(c[1]), on_recv(nil), on_recv(c[2]))];
    }
  });
  w.run();
  CHECK(chosen[2] == 0);
  for (std::size_t i : {0, 1, 3}) {
    CHECK(chosen[i] > 9'500);  // 10,000 expected, standard deviation 82.
    CHECK(chosen[i] < 10'500);
  }
}

TEST_CASE("the order of choices is a function of the seed") {
  const auto choices = [](std::uint64_t seed) {
    ManualClock clock;
    test::FakePoller poller{clock};
    Scheduler scheduler{clock, poller, {.seed = seed}};
    std::string trace;
    (void)scheduler.spawn([&] {
      auto a = make_chan<int>();
      auto b = make_chan<int>();
      a.close();
      b.close();
      for (int i = 0; i < 64; ++i) trace += select(on_recv(a), on_recv(b)) == 0 ? 'a' : 'b';
    });
    scheduler.run();
    return trace;
  };
  CHECK(choices(1) == choices(1));
  CHECK(choices(1) != choices(2));
}

TEST_CASE("a timeout is chosen when no case became ready in time") {
  World w;
  auto c = make_chan<int>();
  w.go("g", [&] {
    CHECK(select(on_recv(c), on_timeout(milliseconds(5), [&] { w.say("timeout"); })) == 1);
    CHECK(now() == Instant{} + milliseconds(5));
    select(on_recv(c, saying(w, "c")), on_timeout(milliseconds(5), [&] { w.say("timeout"); }));
    select(on_recv(c), on_timeout(Duration{}, [&] { w.say("at-once"); }));
  });
  w.go("sender", [&] {
    sleep_for(milliseconds(7));
    c.send(1);
  });
  CHECK(w.run() == "timeout c1 at-once");
}

TEST_CASE("a value that comes after the deadline, before the G has run, goes to another G") {
  World w;
  auto c = make_chan<int>();
  w.go("late", [&] {
    select(on_recv(c, saying(w, "late")), on_timeout(milliseconds(1), [&] { w.say("timeout"); }));
  });
  w.go("next", [&] { w.say("next" + std::to_string(*c.recv())); });
  struct SendOnFire : Timer {
    explicit SendOnFire(chan<int>& to) : Timer(&fire), c(to) {}
    static void fire(Timer& self) { CHECK(static_cast<SendOnFire&>(self).c.try_send(1)); }
    chan<int>& c;
  } sender(c);
  w.go("event", [&] {  // Armed after the timeout, for the same time: fires right after it.
    w.scheduler.arm(sender, Instant{} + milliseconds(1));
  });
  CHECK(w.run() == "timeout next1");
}

TEST_CASE("a select with no cases waits for ever, and each wait names its reason") {
  World w;
  auto c = make_chan<int>();
  chan<int> nil;
  w.go("", [] { select(); });
  w.go("", [&] { select(on_recv(c), on_recv(nil)); });
  w.go("", [&] { select(on_recv(nil), on_recv(nil)); });
  w.go("", [&] { select(on_recv(c)); });
  w.go("", [&] { select(on_send(nil, 1)); });
  w.run();
  CHECK(w.result.report ==
        "fatal error: all goroutines are asleep - deadlock!\n\n"
        "goroutine 1 [select (no cases), 0.000s]:\n"
        "goroutine 2 [select, 0.000s]:\n"
        "goroutine 3 [select, 0.000s]:\n"
        "goroutine 4 [chan receive, 0.000s]:\n"
        "goroutine 5 [chan send (nil chan), 0.000s]:\n");
}

TEST_CASE("a send case panics on a channel that is closed, before or meanwhile") {
  World w;
  auto c = make_chan<int>();
  auto d = make_chan<int>();
  w.go("waits", [&] {
    CHECK_THROWS_WITH_AS(select(on_send(c, 1), on_recv(d)), "send on closed channel", Panic);
    CHECK_THROWS_WITH_AS(select(on_send(c, 1), otherwise()), "send on closed channel", Panic);
    w.say("ok");
  });
  w.go("closer", [&] { c.close(); });
  CHECK(w.run() == "ok");
}

TEST_CASE("a channel may stand in several cases of one select") {
  World w;
  auto c = make_chan<int>();
  w.go("selector", [&] {
    select(on_recv(c, saying(w, "first")), on_recv(c, saying(w, "second")), on_send(c, 1));
    select(on_recv(c, saying(w, "first")), on_send(c, 1));
  });
  w.go("other", [&] {
    c.send(7);
    yield();
    c.close();
  });
  CHECK(w.run() == "first7 firstclosed");
}

TEST_CASE("a killed select leaves every channel's line") {
  World w;
  auto a = make_chan<int>();
  auto b = make_chan<int>();
  G& g = w.go("selector", [&] { select(on_recv(a), on_recv(b), on_timeout(seconds(1))); });
  w.go("killer", [&] {
    w.scheduler.kill(g);
    CHECK_FALSE(a.try_send(1));
    yield();
    CHECK_FALSE(b.try_send(1));
  });
  w.run();
  CHECK(w.clock.now() == Instant{});
}

TEST_CASE("the number of cases may be known only at run time") {
  World w;
  std::vector<chan<int>> channels;
  channels.reserve(5);
  for (int i = 0; i < 5; ++i) channels.push_back(make_chan<int>());
  w.go("selector", [&] {
    std::vector<std::unique_ptr<RecvCase<int>>> cases;
    std::vector<SelectCase*> pointers;
    for (auto& c : channels) {
      cases.push_back(std::make_unique<RecvCase<int>>(c, DoNothing{}));
      pointers.push_back(cases.back().get());
    }
    const std::size_t index = select_from(pointers);
    w.say(std::to_string(index) + "=" + std::to_string(*cases[index]->value));
  });
  w.go("sender", [&] { channels[3].send(30); });
  CHECK(w.run() == "3=30");
}
