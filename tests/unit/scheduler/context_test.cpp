// SPDX-License-Identifier: Apache-2.0
#include "scheduler/sync/context.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

#include "scheduler/sync/select.h"
#include "scheduler/sync/single_flight.h"
#include "tests/unit/world.h"

using namespace weft;
using weft::test::World;

namespace {
ContextKey<std::string> user_key;
ContextKey<int> depth_key;
}  // namespace

TEST_CASE("the background is never cancelled and carries nothing") {
  const context ctx = background();
  CHECK_FALSE(ctx.cancelled());
  CHECK_FALSE(ctx.done());
  CHECK_FALSE(ctx.deadline());
  CHECK(ctx.value(user_key) == nullptr);
  CHECK(std::string(ctx.why()).empty());
}

TEST_CASE("cancel wakes all that wait, and cancels all below and none above") {
  World w;
  w.go("main", [&] {
    auto [root, cancel_root] = with_cancel(background());
    auto [middle, cancel_middle] = with_cancel(root);
    auto [leaf, cancel_leaf] = with_cancel(with_value(middle, depth_key, 3));
    (void)go([&w, done = leaf.done()]() mutable {
      (void)done.recv();
      w.say("leaf-done");
    });
    yield();
    cancel_middle();
    cancel_middle("again");
    CHECK_FALSE(root.cancelled());
    CHECK(middle.cancelled());
    CHECK(leaf.end() == ContextEnd::canceled);
    CHECK(std::string(leaf.why()) == "context canceled");
    CHECK(leaf.cause() == "context canceled");
    yield();
    auto [late, cancel_late] = with_cancel(leaf);
    CHECK(late.cancelled());
    CHECK(late.done().try_recv().ready);
    cancel_late();
    cancel_leaf();
    cancel_root();
  });
  CHECK(w.run() == "leaf-done");
}

TEST_CASE("a cause goes down with the cancellation") {
  World w;
  w.go("main", [&] {
    auto [ctx, cancel] = with_cancel(background());
    auto [child, cancel_child] = with_cancel(ctx);
    cancel("disk full");
    CHECK(child.cause() == "disk full");
    CHECK(std::string(child.why()) == "context canceled");
  });
  w.run();
}

TEST_CASE("a deadline ends the context by itself; the earlier one of two counts") {
  World w;
  w.go("main", [&] {
    auto [outer, cancel_outer] = with_timeout(background(), milliseconds(5));
    auto [inner, cancel_inner] = with_timeout(outer, seconds(5));
    CHECK(inner.deadline() == Instant{} + milliseconds(5));
    auto c = make_chan<int>();
    CHECK(select(on_recv(c), on_recv(inner.done())) == 1);
    CHECK(now() == Instant{} + milliseconds(5));
    CHECK(std::string(inner.why()) == "context deadline exceeded");
    CHECK(outer.end() == ContextEnd::deadline_exceeded);
    auto [past, cancel_past] = with_deadline(background(), now());
    CHECK(past.cancelled());
  });
  w.run();
}

TEST_CASE("a context that is cancelled, or whose last handle goes, leaves no timer behind") {
  World w;
  w.go("main", [&] {
    auto [ctx, cancel] = with_timeout(background(), seconds(100));
    (void)with_timeout(ctx, seconds(50));
    cancel();
  });
  w.run();
  CHECK(w.clock.now() == Instant{});
}

TEST_CASE("a value is found by its key, nearest first") {
  World w;
  w.go("main", [&] {
    const context alice = with_value(background(), user_key, "alice");
    auto [ctx, cancel] = with_cancel(with_value(alice, depth_key, 1));
    const context bob = with_value(ctx, user_key, "bob");
    CHECK(*bob.value(user_key) == "bob");
    CHECK(*ctx.value(user_key) == "alice");
    CHECK(*bob.value(depth_key) == 1);
    CHECK(alice.value(depth_key) == nullptr);
    CHECK_FALSE(alice.done());
    CHECK(bob.done() == ctx.done());
  });
  w.run();
}

TEST_CASE("of several who ask for the same at once one does the work") {
  World w;
  single_flight<std::string, int> flights;
  int calls = 0;
  for (const char* name : {"a", "b", "c"}) {
    w.go(name, [&, name] {
      const auto got = flights.run("key", [&] {
        sleep_for(milliseconds(1));
        return ++calls;
      });
      CHECK(got.shared);
      w.say(name + std::to_string(got.value));
    });
  }
  w.go("other", [&] {
    CHECK(flights.run("other", [] { return 9; }).value == 9);
    sleep_for(milliseconds(2));
    CHECK_FALSE(flights.run("key", [&] { return ++calls; }).shared);
  });
  CHECK(w.run() == "a1 b1 c1");
  CHECK(calls == 2);
}

TEST_CASE("all that share a flight share its failure") {
  World w;
  single_flight<int, int> flights;
  const auto fails = []() -> int {
    sleep_for(milliseconds(1));
    throw std::runtime_error("boom");
  };
  for (const char* name : {"a", "b"}) {
    w.go(name, [&, name] {
      CHECK_THROWS_WITH((void)flights.run(1, fails), "boom");
      w.say(name);
    });
  }
  G& doer = w.go("doer", [&] { (void)flights.run(2, fails); });
  w.go("sharer", [&] {
    w.scheduler.kill(doer);
    CHECK_THROWS_AS((void)flights.run(2, fails), TaskKilled);
    w.say("killed");
  });
  CHECK(w.run() == "killed a b");
}

TEST_CASE("after_func runs each function on a G of its own, in order, once") {
  World w;
  w.go("main", [&] {
    auto [ctx, cancel] = with_cancel(background());
    after_func(ctx, [&w] { w.say("first"); });
    const auto stop_second = after_func(ctx, [&w] {
      yield();
      w.say("second");
    });
    auto [child, cancel_child] = with_cancel(ctx);
    after_func(child, [&w] { w.say("child"); });
    w.say("cancel");
    cancel();
    w.say("cancelled");
    CHECK_FALSE(stop_second());
    cancel();
  });
  w.run();
  CHECK(w.trace == "cancel cancelled first child second");
}

TEST_CASE("after_func of a context that has ended starts at once") {
  World w;
  w.go("main", [&] {
    auto [ctx, cancel] = with_cancel(background());
    cancel();
    CHECK_FALSE(after_func(ctx, [&w] { w.say("ran"); })());
  });
  w.run();
  CHECK(w.trace == "ran");
}

TEST_CASE("an after_func that was stopped does not run, and stop says so once") {
  World w;
  w.go("main", [&] {
    auto [ctx, cancel] = with_cancel(background());
    const auto stop = after_func(ctx, [&w] { w.say("ran"); });
    CHECK(stop());
    CHECK_FALSE(stop());
    cancel();
  });
  w.run();
  CHECK(w.trace.empty());
}

TEST_CASE("after_func runs at the deadline, and through a context that only carries a value") {
  World w;
  w.go("main", [&] {
    auto [ctx, cancel] = with_timeout(background(), milliseconds(5));
    after_func(with_value(ctx, depth_key, 1), [&w, ctx = ctx] { w.say(ctx.why()); });
    sleep_for(milliseconds(10));
  });
  w.run();
  CHECK(w.trace == "context deadline exceeded");
}

TEST_CASE("a context forgets its functions when its last handle goes") {
  World w;
  const auto captured = std::make_shared<int>(1);
  w.go("main", [&] {
    after_func(background(), [captured] { FAIL("ran"); });
    after_func(with_timeout(background(), milliseconds(5)).ctx, [captured] { FAIL("ran"); });
    sleep_for(milliseconds(10));
    CHECK(captured.use_count() == 1);
  });
  w.run();
}
