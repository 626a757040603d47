// SPDX-License-Identifier: Apache-2.0
// How long a guest keeps the thread from others, and how long it may run at all.
#include "guest/turn.h"

#include <doctest/doctest.h>

#include "tests/unit/guest/guests.h"
#include "tests/unit/world.h"

using namespace weft;
using weft::test::guest_path;
using weft::test::kEngines;
using weft::test::make_engine;

namespace {

// Each look at it takes time: a guest looks at its safe points.
class TickingClock final : public GuestClock {
 public:
  static constexpr Duration kStep = microseconds(10);
  Instant now() override { return now_ = now_ + kStep; }
  std::int64_t realtime_ns() override { return now_.ns; }

 private:
  Instant now_{};
};

}  // namespace

TEST_CASE(
    "a timer that is due preempts a guest at its next safe point, not when its turn is over") {
  constexpr Duration kSleep = milliseconds(1);
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    TickingClock clock;
    Runtime runtime({.clock = &clock}, make_engine(engine));
    auto module = runtime.load(guest_path("c_busy"));
    REQUIRE(module.ok());
    auto busy = runtime.spawn(*module, {.stdin_from = -1, .stdout_to = -1, .stderr_to = -1});
    REQUIRE(busy.ok());
    Duration late{};
    const auto sleeper = runtime.scheduler().spawn([&] {
      const Instant due = now() + kSleep;
      sleep_until(due);
      late = now() - due;
      runtime.kill(**busy);
    });
    REQUIRE(sleeper.ok());
    CHECK(runtime.run().end == RunEnd::finished);
    CHECK(late < microseconds(200));  // kTurnMin, and some safe points.
  }
}

TEST_CASE("the deadline of all holds for a guest that is spawned while it ends the others") {
  ManualClock clock;
  weft::test::FakePoller poller(clock);
  Runtime runtime({.clock = &clock, .poller = &poller}, make_engine("interp"));
  runtime.limit_all({.sizes = {}, .time = milliseconds(100)});
  auto module = runtime.load(guest_path("c_sleep2s"));
  REQUIRE(module.ok());
  const auto spawn = [&]() -> Guest& {
    return **runtime.spawn(*module, {.stdin_from = -1, .stdout_to = -1});
  };
  spawn();
  spawn();
  Guest* late = nullptr;
  runtime.on_guest_end([&](const Guest&) {
    if (late == nullptr) late = &spawn();
  });
  CHECK(runtime.run().end == RunEnd::finished);
  REQUIRE(late != nullptr);
  CHECK(late->end()->trap.kind == TrapKind::out_of_time);
  CHECK(clock.now() < Instant{} + milliseconds(200));
}
