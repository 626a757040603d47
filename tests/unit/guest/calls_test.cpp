// SPDX-License-Identifier: Apache-2.0
// Calls from outside into a guest's exports, on every engine.
#include <doctest/doctest.h>

#include <string>

#include "guest/wabt/wat_text.h"
#include "scheduler/sync/chan.h"
#include "tests/unit/guest/guests.h"

using namespace weft;
using namespace weft::test;

namespace {

constexpr const char* kWat = R"((module
  (import "env" "wait" (func $wait))
  (global $count (mut i32) (i32.const 0))
  (func (export "_initialize") (global.set $count (i32.const 100)))
  (func (export "count") (param i32) (result i32)
    (global.set $count (i32.add (global.get $count) (local.get 0)))
    (global.get $count))
  (func (export "mean") (param f64 f64) (result f64)
    (f64.div (f64.add (local.get 0) (local.get 1)) (f64.const 2)))
  (func (export "wait") (call $wait))
  (func (export "boom") unreachable)))";

struct Served {
  Runtime runtime;
  chan<Nothing> go_on = make_chan<Nothing>();
  Guest* guest = nullptr;

  explicit Served(const char* engine) : runtime(make_engine(engine)) {
    runtime.define("env", "wait", [this] { (void)go_on.recv(); });
    std::vector<std::uint8_t> binary;
    REQUIRE(wat_to_binary(kWat, binary).empty());
    auto module =
        runtime.load_bytes("served.wasm", std::as_bytes(std::span(binary)), {}, Role::library);
    REQUIRE(module.ok());
    auto spawned = runtime.spawn(*module, {.serves = true});
    REQUIRE(spawned.ok());
    guest = *spawned;
  }
  template <class F>
  void on_a_g(F&& f) {
    REQUIRE(runtime.scheduler().spawn(std::forward<F>(f)).ok());
  }
  void run() { CHECK(runtime.run().end == RunEnd::finished); }
};

}  // namespace

TEST_CASE("exports are called with values, one after the other, and the guest keeps its state") {
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Served served(engine);
    served.on_a_g([&] {
      CHECK(*served.guest->call<std::int32_t>("count", 1) == 101);
      CHECK(*served.guest->call<std::int32_t>("count", 5) == 106);
      CHECK(*served.guest->call<double>("mean", 1.0, 2.5) == 1.75);
      served.guest->finish();
    });
    served.run();
    CHECK(served.guest->end()->kind == GuestEnd::Kind::exited);
  }
}

TEST_CASE("a call whose guest waits in a host function parks its caller alone") {
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Served served(engine);
    std::string trace;
    served.on_a_g([&] {
      CHECK(served.guest->call("wait").ok());
      trace += "returned ";
    });
    served.on_a_g([&] {
      yield();
      trace += "other ";
      served.go_on.send({});
      CHECK(*served.guest->call<std::int32_t>("count", 0) == 100);
      trace += "next";
      served.guest->finish();
    });
    served.run();
    CHECK(trace == "other returned next");
  }
}

TEST_CASE("a call that traps ends the guest, and says so to everybody who calls") {
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Served served(engine);
    served.on_a_g([&] {
      const auto boom = served.guest->call("boom");
      REQUIRE_FALSE(boom.ok());
      CHECK(boom.error().message ==
            "served.wasm: can't call boom: it trapped: unreachable executed");
      const auto later = served.guest->call<std::int32_t>("count", 1);
      REQUIRE_FALSE(later.ok());
      CHECK(later.error().message ==
            "served.wasm: can't call count: it trapped: unreachable executed");
    });
    served.run();
    CHECK(served.guest->end()->trap.kind == TrapKind::unreachable);
  }
}

TEST_CASE("a guest that is killed in a call, and callers that wait behind it, are told") {
  Served served("interp");
  int told = 0;
  for (int i = 0; i < 3; ++i) {
    served.on_a_g([&] { told += served.guest->call("wait").ok() ? 100 : 1; });
  }
  served.on_a_g([&] {
    yield();
    yield();
    served.runtime.kill(*served.guest);
  });
  served.run();
  CHECK(told == 3);
  CHECK(served.guest->end()->kind == GuestEnd::Kind::killed);
}

TEST_CASE("a caller that is killed leaves the guest to finish its call") {
  Served served("interp");
  G& caller = **served.runtime.scheduler().spawn([&] { (void)served.guest->call("wait"); });
  served.on_a_g([&] {
    yield();
    yield();
    served.runtime.scheduler().kill(caller);
    yield();
    served.go_on.send({});
    CHECK(*served.guest->call<std::int32_t>("count", 2) == 102);
    served.guest->finish();
  });
  served.run();
}

// What weft calls by itself is proved first: a wrong type would read values that nobody gave.
TEST_CASE("a guest to be called whose _initialize has parameters, or is the host's, is refused") {
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    for (const auto& [wat, why] :
         {std::pair(R"((module (func (export "_initialize") (param i64))))",
                    "_initialize must take no parameters and return nothing"),
          std::pair(R"((module (func (export "_initialize") (result i32) i32.const 1)))",
                    "_initialize must take no parameters and return nothing"),
          std::pair(R"((module (import "env" "f" (func $f)) (export "_initialize" (func $f))))",
                    "the export \"_initialize\" is a function of the host (\"env\" \"f\")")}) {
      Runtime runtime(make_engine(engine));
      runtime.define("env", "f", [] {});
      std::vector<std::uint8_t> binary;
      REQUIRE(wat_to_binary(wat, binary).empty());
      auto module =
          runtime.load_bytes("served.wasm", std::as_bytes(std::span(binary)), {}, Role::library);
      REQUIRE(module.ok());
      const auto guest = runtime.spawn(*module, {.serves = true});
      REQUIRE_FALSE(guest.ok());
      CHECK_MESSAGE(guest.error().message.find(why) != std::string::npos, guest.error().message);
    }
  }
}

TEST_CASE("a call of what is not there, or has another type, is an error with both types") {
  Served served("interp");
  served.on_a_g([&] {
    const auto none = served.guest->call("nothing");
    REQUIRE_FALSE(none.ok());
    CHECK(none.error().message.find("it exports no such function of its own") != std::string::npos);
    const auto other = served.guest->call<double>("count", 1.5F);
    REQUIRE_FALSE(other.ok());
    CHECK(other.error().message.find("it has the type (i) -> (i), not (f) -> (F)") !=
          std::string::npos);
    served.guest->finish();
  });
  served.run();
}
