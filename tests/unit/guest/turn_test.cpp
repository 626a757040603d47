// SPDX-License-Identifier: Apache-2.0
// How long a guest keeps the thread from others, and how long it may run at all.
#include "guest/turn.h"

#include <doctest/doctest.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "guest/wabt/wat_text.h"
#include "os/wasip1/call_hook.h"
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

// Each call of WASI takes so long, and has that answer; without one it is made.
class SlowCalls final : public wasip1::CallHook {
 public:
  SlowCalls(ManualClock& clock, Duration takes, std::optional<wasip1::Errno> answer)
      : clock_(clock), takes_(takes), answer_(answer) {}
  std::optional<wasip1::Errno> before(const wasip1::Call&) override {
    clock_.advance(takes_);
    return answer_;
  }
  void after(const wasip1::Call&, wasip1::Errno) override {}

 private:
  ManualClock& clock_;
  const Duration takes_;
  const std::optional<wasip1::Errno> answer_;
};

// 300 calls in a row, for ever.
std::vector<std::uint8_t> calls_for_ever(const std::string& name, const std::string& params,
                                         const std::string& args) {
  std::string wat = "(module (import \"wasi_snapshot_preview1\" \"" + name + "\" (func $f (param " +
                    params + ") (result i32)))(memory (export \"memory\") 1)" +
                    "(func (export \"_start\") (loop $again ";
  for (int i = 0; i < 300; ++i) wat += "(drop (call $f " + args + "))";
  std::vector<std::uint8_t> binary;
  REQUIRE(wat_to_binary(wat + "(br $again))))", binary).empty());
  return binary;
}

}  // namespace

TEST_CASE("calls that wait 2 ms each for a disk made a sleeper late by hundreds of them") {
  const std::vector<std::uint8_t> modules[] = {
      calls_for_ever("fd_sync", "i32", "(i32.const 3)"),
      calls_for_ever("fd_advise", "i32 i64 i64 i32",
                     "(i32.const 3) (i64.const 0) (i64.const 0) (i32.const 3)"),
      calls_for_ever("path_create_directory", "i32 i32 i32",
                     "(i32.const 3) (i32.const 0) (i32.const 1)"),
  };
  for (const char* engine : kEngines) {
    for (const auto& binary : modules) {
      CAPTURE(engine);
      ManualClock clock;
      weft::test::FakePoller poller(clock);
      Runtime runtime({.clock = &clock, .poller = &poller}, make_engine(engine));
      auto module = runtime.load_bytes("calls.wasm", std::as_bytes(std::span(binary)));
      REQUIRE_MESSAGE(module.ok(), (module.ok() ? "" : module.error().message));
      SlowCalls disk(clock, milliseconds(2), wasip1::Errno::io);
      auto busy = runtime.spawn(*module, {.preopens = {{"/", "/"}},
                                          .stdin_from = -1,
                                          .stdout_to = -1,
                                          .stderr_to = -1,
                                          .hook = &disk});
      REQUIRE(busy.ok());
      Duration worst{};
      const auto sleeper = runtime.scheduler().spawn([&] {
        for (int i = 0; i < 20; ++i) {
          const Instant due = now() + milliseconds(5);
          sleep_until(due);
          worst = std::max(worst, now() - due);
        }
        runtime.kill(**busy);
      });
      REQUIRE(sleeper.ok());
      CHECK(runtime.run().end == RunEnd::finished);
      CHECK(worst <= milliseconds(4));
    }
  }
}

TEST_CASE(
    "a guest that writes to a pipe and yields has one turn a round, however slow the machine") {
  std::vector<std::uint8_t> binary;
  REQUIRE(wat_to_binary(R"((module
    (import "wasi_snapshot_preview1" "fd_write"
      (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
    (memory (export "memory") 1)
    (func (export "_start") (local $left i32)
      (local.set $left (i32.const 10))
      (loop $again
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 16)))
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 16)))
        (drop (call $yield))
        (br_if $again
          (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))))",
                        binary)
              .empty());
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    ManualClock clock;
    weft::test::FakePoller poller(clock);
    Runtime runtime({.clock = &clock, .poller = &poller}, make_engine(engine));
    auto module = runtime.load_bytes("prints.wasm", std::as_bytes(std::span(binary)));
    REQUIRE(module.ok());
    SlowCalls busy(clock, milliseconds(20), std::nullopt);
    auto guest =
        runtime.spawn(*module, {.stdin_from = -1, .stdout_to = -1, .stderr_to = -1, .hook = &busy});
    REQUIRE(guest.ok());
    int turns = 0;
    const auto beside = runtime.scheduler().spawn([&] {
      for (; !(*guest)->end(); yield()) ++turns;
    });
    REQUIRE(beside.ok());
    CHECK(runtime.run().end == RunEnd::finished);
    CHECK(turns >= 10);
    CHECK(turns <= 12);
  }
}

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
