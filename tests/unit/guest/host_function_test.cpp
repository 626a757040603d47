// SPDX-License-Identifier: Apache-2.0
// Host functions: what an embedder gives guests to import. The same on every engine.
#include "guest/host_function.h"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <stdexcept>
#include <vector>

#include "guest/wabt/wat_text.h"
#include "os/wasip1/device.h"
#include "scheduler/sync/chan.h"
#include "tests/unit/guest/guests.h"

using namespace weft;
using namespace weft::test;

namespace {

struct Host {
  Runtime runtime;

  explicit Host(const char* engine) : runtime(make_engine(engine)) {}

  Result<std::shared_ptr<Module>> load(const std::string& wat) {
    std::vector<std::uint8_t> binary;
    REQUIRE(wat_to_binary(wat, binary).empty());
    return runtime.load_bytes("host.wasm", std::as_bytes(std::span(binary)));
  }
  Guest& spawn(const std::string& wat, GuestOptions options = {}) {
    auto module = load(wat);
    REQUIRE_MESSAGE(module.ok(), (module.ok() ? "" : module.error().message));
    options.stdin_from = options.stdout_to = options.stderr_to = -1;
    auto guest = runtime.spawn(*module, std::move(options));
    REQUIRE(guest.ok());
    return **guest;
  }
  void run() { CHECK(runtime.run().end == RunEnd::finished); }
};

// A guest that calls "env" "f", which takes and returns nothing.
constexpr const char* kCallsF =
    "(module (import \"env\" \"f\" (func $f)) (func (export \"_start\") (call $f)))";

}  // namespace

TEST_CASE("a host function gets every type in any place, and returns every type") {
  constexpr const char* kWat = R"((module
    (import "env" "mix" (func $mix (param i32 f64 i64 f32 i32 i32 f32 f64 i64 f64 f32 f32 f64 i32
                                    i64 f32) (result f64)))
    (import "env" "i" (func $i (param f32) (result i32)))
    (import "env" "j" (func $j (param i32) (result i64)))
    (import "env" "f" (func $f (param i64) (result f32)))
    (import "env" "seen" (func $seen (param f64)))
    (type $of_seen (func (param f64)))
    (table funcref (elem $seen))
    (func (export "_start")
      (call $seen (call $mix (i32.const -1) (f64.const 2.5) (i64.const -3) (f32.const 4.5)
        (i32.const 5) (i32.const 6) (f32.const 7.5) (f64.const 8.5) (i64.const 9) (f64.const 10.5)
        (f32.const 11.5) (f32.const 12.5) (f64.const 13.5) (i32.const 14) (i64.const 15)
        (f32.const 16.5)))
      (call $seen (f64.convert_i32_s (call $i (f32.const 0.5))))
      (call $seen (f64.convert_i64_s (call $j (i32.const 7))))
      (call $seen (f64.promote_f32 (call $f (i64.const 8))))
      (call_indirect (type $of_seen) (f64.const 99) (i32.const 0)))))";
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Host host(engine);
    std::vector<double> seen;
    host.runtime.define("env", "mix",
                        [&](std::int32_t a, double b, std::int64_t c, float d, std::uint32_t e,
                            std::int32_t f, float g, double h, std::uint64_t i, double j, float k,
                            float l, double m, std::int32_t n, std::int64_t o, float p) {
                          seen = {
                              1.0 * a, b,       1.0 * static_cast<double>(c), d, 1.0 * e, 1.0 * f,
                              g,       h,       static_cast<double>(i),       j, k,       l,
                              m,       1.0 * n, static_cast<double>(o),       p};
                          return 0.25;
                        });
    host.runtime.define("env", "i", [](float x) { return x == 0.5F ? -7 : 0; });
    host.runtime.define(
        "env", "j", [](std::int32_t x) -> std::int64_t { return -(std::int64_t{1} << 40) - x; });
    host.runtime.define("env", "f", [](std::int64_t x) { return static_cast<float>(x) / 3; });
    host.runtime.define("env", "seen", [&](double x) { seen.push_back(x); });
    const Guest& guest = host.spawn(kWat);
    host.run();
    CHECK(guest.end()->kind == GuestEnd::Kind::exited);
    const std::vector<double> expected = {-1,
                                          2.5,
                                          -3,
                                          4.5,
                                          5,
                                          6,
                                          7.5,
                                          8.5,
                                          9,
                                          10.5,
                                          11.5,
                                          12.5,
                                          13.5,
                                          14,
                                          15,
                                          16.5,
                                          0.25,
                                          -7,
                                          -(1.0 * (std::int64_t{1} << 40)) - 7,
                                          static_cast<double>(8.0F / 3),
                                          99};
    CHECK(seen == expected);
  }
}

TEST_CASE("a host function reads and writes its guest's memory; a bad address ends that guest") {
  constexpr const char* kWat = R"((module
    (import "env" "double" (func $double (param i32 i32)))
    (import "env" "seen" (func $seen (param i32)))
    (memory 1) (data (i32.const 65530) "\01\02\03\04\05\06")
    (func (export "_start")
      (call $double (i32.const 65530) (i32.const 6))
      (call $seen (i32.load (i32.const 65532)))
      (call $double (i32.const 65531) (i32.const 6)))))";
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Host host(engine);
    std::vector<std::int32_t> seen;
    host.runtime.define("env", "double", [](Caller& caller, std::uint32_t at, std::uint32_t n) {
      for (std::byte& byte : caller.bytes(at, n)) byte <<= 1;
      caller.store(at, static_cast<std::uint8_t>(caller.load<std::uint8_t>(at) + 1));
    });
    host.runtime.define("env", "seen", [&](std::int32_t x) { seen.push_back(x); });
    const Guest& one = host.spawn(kWat);
    const Guest& two = host.spawn(kWat);
    host.run();
    CHECK(seen == std::vector<std::int32_t>{0x0c0a0806, 0x0c0a0806});
    for (const Guest* guest : {&one, &two}) {
      CHECK(guest->end()->trap.kind == TrapKind::host_function);
      CHECK(guest->end()->trap.detail == "it was given an address outside of the guest's memory");
    }
  }
}

TEST_CASE("a host function that waits parks its guest, and the others run") {
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Host host(engine);
    std::string trace;
    chan<int> values = make_chan<int>();
    host.runtime.define("env", "f", [&](Caller& caller) {
      if (*caller.data<int>() == 1) {
        trace += "waits ";
        trace += "got " + std::to_string(*values.recv());
      } else {
        trace += "sends ";
        values.send(*caller.data<int>());
      }
    });
    host.spawn(kCallsF, {.data = 1});
    host.spawn(kCallsF, {.data = 42});
    host.run();
    CHECK(trace == "waits sends got 42");
  }
}

TEST_CASE("what leaves a host function as an exception is a trap with its text") {
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Host host(engine);
    host.runtime.define("env", "f", [](Caller& caller) -> Result<Nothing> {
      switch (*caller.data<int>()) {
        case 0:
          caller.trap("no more of that");
        case 1:
          throw std::runtime_error("out of luck");
        case 2:
          return Error{"the database is gone"};
        case 3:
          caller.exit(17);
        default:
          return Nothing{};
      }
    });
    std::vector<const Guest*> guests;
    guests.reserve(5);
    for (int i = 0; i < 5; ++i) guests.push_back(&host.spawn(kCallsF, {.data = i}));
    host.run();
    const char* said[] = {"no more of that", "out of luck", "the database is gone"};
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(guests[i]->end()->kind == GuestEnd::Kind::trapped);
      CHECK(guests[i]->end()->trap.kind == TrapKind::host_function);
      CHECK(guests[i]->end()->trap.detail == said[i]);
      CHECK(guests[i]->end()->trap.frames.size() == 1);
    }
    CHECK(guests[3]->end()->exit_code == 17);
    CHECK(guests[4]->end()->kind == GuestEnd::Kind::exited);
  }
}

TEST_CASE("a guest that waits in a host function can be killed, and its destructors run") {
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Host host(engine);
    bool unwound = false;
    host.runtime.define("env", "f", [&] {
      struct Note {
        bool& flag;
        ~Note() { flag = true; }
      } note{unwound};
      sleep_for(seconds(100));
    });
    Guest& guest = host.spawn(kCallsF);
    (void)host.runtime.scheduler().spawn([&] {
      yield();
      host.runtime.kill(guest);
    });
    host.run();
    CHECK(unwound);
    CHECK(guest.end()->kind == GuestEnd::Kind::killed);
  }
}

TEST_CASE("an import that no host function fits is refused by name, with both types") {
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Host host(engine);
    host.runtime.define("env", "other", [] {});
    const auto unknown = host.load(kCallsF);
    REQUIRE_FALSE(unknown.ok());
    CHECK(unknown.error().message.find("unknown import \"env\" \"f\"") != std::string::npos);
    host.runtime.define("env", "f", [](std::int32_t, float) -> std::int64_t { return 0; });
    const auto wrong = host.load(kCallsF);
    REQUIRE_FALSE(wrong.ok());
    CHECK(wrong.error().message.find("has the type (), the host's function (i32, f32) -> i64") !=
          std::string::npos);
  }
}

TEST_CASE("an end handler spawns the next guest and forgets the one that ended") {
  Host host("interp");
  host.runtime.define("env", "f", [] {});
  int left = 100;
  std::function<void(Guest&)> next = [&](Guest& ended) {
    CHECK(ended.end().has_value());
    host.runtime.forget(ended);
    if (--left > 0) host.spawn(kCallsF, {.on_end = next});
  };
  host.spawn(kCallsF, {.on_end = next});
  host.run();
  CHECK(left == 0);
  CHECK(host.runtime.guests().empty());
}

TEST_CASE("a channel may be sent to from an Asio handler, and a guest is started, between turns") {
  boost::asio::io_context io;
  Runtime runtime(io);
  chan<int> values = make_chan<int>(1);
  int got = 0;
  REQUIRE(runtime.scheduler().spawn([&] { got = *values.recv(); }).ok());
  boost::asio::post(io, [&] {
    boost::asio::post(io, [&] {
      CHECK(values.try_send(5));
      CHECK(go([&] { ++got; }).ok());
    });
  });
  io.run();
  CHECK(got == 6);
}
