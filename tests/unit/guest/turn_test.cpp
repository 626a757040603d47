// How long a guest that computes without end keeps the thread from others.
#include "guest/turn.h"

#include <doctest/doctest.h>

#include "tests/unit/guest/guests.h"

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
    CHECK(signals::kForcePreempt >= milliseconds(10));
  }
}
