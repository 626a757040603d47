// SPDX-License-Identifier: Apache-2.0
#include "guest/runtime.h"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "guest/guest_times.h"
#include "guest/jit/jit.h"
#include "tests/unit/guest/guests.h"
#include "tests/unit/world.h"

using namespace weft;
using weft::test::guest_path;
using weft::test::Output;

namespace {

// A runtime whose guests write into one file.
struct SpawnedGuests {
  Runtime runtime;
  Output output;

  Guest& spawn(const std::string& name) {
    auto module = runtime.load(guest_path(name));
    REQUIRE(module.ok());
    auto guest =
        runtime.spawn(*module, {.stdin_from = -1, .stdout_to = output.fd(), .stderr_to = -1});
    REQUIRE(guest.ok());
    return **guest;
  }
};

}  // namespace

TEST_CASE("a guest runs to its end and its exit code is kept") {
  SpawnedGuests g;
  Guest& hello = g.spawn("c_hello");
  Guest& seven = g.spawn("c_exit7");
  CHECK_FALSE(hello.end().has_value());
  CHECK(g.runtime.run().end == RunEnd::finished);
  REQUIRE(hello.end().has_value());
  CHECK(hello.end()->exit_code == 0);
  CHECK(seven.end()->exit_code == 7);
  CHECK(g.output.text().find("hello") != std::string::npos);
}

TEST_CASE("a Runtime without an engine takes what --engine=auto would") {
  SpawnedGuests g;
  Guest& hello = g.spawn("wat_hello");
  const auto jit = make_jit();
  const std::string engine = hello.engine();
  CHECK((engine == "aot" || engine == (jit.ok() ? "jit" : "interp")));
  CHECK(hello.loading() > Duration{});
  CHECK(g.runtime.run().end == RunEnd::finished);
  CHECK(hello.end()->exit_code == 0);
}

TEST_CASE("guests that are forgotten leave nothing, and numbers are never used again") {
  SpawnedGuests g;
  Guest& kept = g.spawn("wat_tiny");
  CHECK(g.runtime.run().end == RunEnd::finished);
  for (std::size_t number = 2; number < 50; ++number) {
    Guest& guest = g.spawn("wat_tiny");
    CHECK(guest.number() == number);
    CHECK(g.runtime.run().end == RunEnd::finished);
    g.runtime.forget(guest);
    REQUIRE(g.runtime.guests().size() == 1);
  }
  CHECK(g.runtime.guests().front().get() == &kept);
  CHECK(kept.end()->kind == GuestEnd::Kind::exited);
}

TEST_CASE("instances of one module share it and nothing else") {
  SpawnedGuests g;
  auto module = g.runtime.load(guest_path("wat_hello"));
  REQUIRE(module.ok());
  for (int i = 0; i < 50; ++i) {
    REQUIRE(g.runtime.spawn(*module, {.stdin_from = -1, .stdout_to = g.output.fd()}).ok());
  }
  CHECK(module->use_count() == 51);
  CHECK(g.runtime.run().end == RunEnd::finished);
  CHECK(module->use_count() == 1);
  const std::string text = g.output.text();
  CHECK(std::count(text.begin(), text.end(), '\n') == 50);
}

TEST_CASE("a guest that traps ends alone, with the kind and the functions it was in") {
  SpawnedGuests g;
  Guest& traps = g.spawn("c_trap_div");
  Guest& healthy = g.spawn("c_hello");
  CHECK(g.runtime.run().end == RunEnd::finished);
  REQUIRE(traps.end()->kind == GuestEnd::Kind::trapped);
  CHECK(traps.end()->trap.kind == TrapKind::divide_by_zero);
  REQUIRE_FALSE(traps.end()->trap.frames.empty());
  CHECK(traps.end()->trap.frames.front() == "divide");
  CHECK(healthy.end()->exit_code == 0);
}

TEST_CASE("each kind of trap is told from the others") {
  const std::pair<const char*, TrapKind> cases[] = {
      {"c_trap_oob", TrapKind::memory_out_of_bounds},
      {"c_trap_unreachable", TrapKind::unreachable},
      {"wat_trap_indirect", TrapKind::bad_indirect_call},
      {"wat_trap_table", TrapKind::bad_indirect_call},
      {"wat_recursion", TrapKind::stack_overflow},
      {"wat_recursion_indirect", TrapKind::stack_overflow},
      {"wat_segment_traps", TrapKind::memory_out_of_bounds},
  };
  for (const auto& each : cases) {
    const char* const name = each.first;
    const TrapKind kind = each.second;
    CAPTURE(name);
    SpawnedGuests g;
    Guest& guest = g.spawn(name);
    CHECK(g.runtime.run().end == RunEnd::finished);
    REQUIRE(guest.end()->kind == GuestEnd::Kind::trapped);
    CHECK(guest.end()->trap.kind == kind);
  }
}

TEST_CASE("a guest can be killed while it sleeps, while it computes, and before it has run") {
  SpawnedGuests g;
  Guest& sleeps = g.spawn("c_sleep2s");
  Guest& computes = g.spawn("wat_loop_yield");
  Guest& never_ran = g.spawn("c_hello");
  REQUIRE(g.runtime.scheduler()
              .spawn([&] {
                Scheduler& scheduler = g.runtime.scheduler();
                scheduler.kill(*sleeps.g());
                if (computes.g() != nullptr) scheduler.kill(*computes.g());
              })
              .ok());
  g.runtime.scheduler().kill(*never_ran.g());
  CHECK(g.runtime.run().end == RunEnd::finished);
  CHECK(sleeps.end()->kind == GuestEnd::Kind::killed);
  CHECK(g.output.text().find("hello") == std::string::npos);
}

TEST_CASE("a guest killed before its first turn never ended") {
  SpawnedGuests g;
  int told = 0;
  g.runtime.on_guest_end([&](const Guest&) { ++told; });
  Guest& guest = g.spawn("c_hello");
  g.runtime.scheduler().kill(*guest.g());
  CHECK(g.runtime.run().end == RunEnd::finished);
  REQUIRE(guest.end().has_value());
  CHECK(guest.end()->kind == GuestEnd::Kind::killed);
  CHECK(guest.g() == nullptr);
  CHECK(told == 1);
}

TEST_CASE("a runtime that dies ends the guests that are left") {
  SpawnedGuests g;
  g.spawn("c_sleep2s");
  g.spawn("c_hello");
}

TEST_CASE("ten thousand guests that run one after the other hold one instance and one stack") {
  struct Counts {
    int live = 0;
    int most = 0;
    int made = 0;
  } counts;
  struct OneTurn final : Instance {
    explicit OneTurn(Counts& c) : counts(c) {
      ++counts.made;
      counts.most = std::max(counts.most, ++counts.live);
    }
    ~OneTurn() override { --counts.live; }
    [[nodiscard]] const TrapReport& killed_at() const override { return nowhere; }
    [[nodiscard]] std::optional<Computing> computing() const override { return {}; }
    GuestEnd start() override { return {}; }
    GuestEnd call(const ExportInfo&, std::span<std::uint64_t>) override { return {}; }
    void steer(guest::go::Steering*) override {}
    Counts& counts;
    TrapReport nowhere;
  };
  struct CountingModule final : Module {
    static ModuleInfo with_start() {
      ModuleInfo info;
      info.types = {{"", ""}};
      info.function_types = {0};
      info.exports = {{"_start", ExternalKind::func, 0}};
      return info;
    }
    explicit CountingModule(Counts& c) : Module("one_turn.wasm", with_start(), {}), counts(c) {}
    [[nodiscard]] const char* engine() const override { return "one turn"; }
    std::unique_ptr<Instance> instantiate(wasip1::Process&) override {
      return std::make_unique<OneTurn>(counts);
    }
    Counts& counts;
  };
  Runtime runtime;
  const auto module = std::make_shared<CountingModule>(counts);
  for (int i = 0; i < 10'000; ++i) {
    REQUIRE(runtime.spawn(module, {.stdin_from = -1, .stdout_to = -1, .stderr_to = -1}).ok());
  }
  CHECK(counts.made == 0);
  CHECK(runtime.run().end == RunEnd::finished);
  CHECK(counts.made == 10'000);
  CHECK(counts.most == 1);
  CHECK(runtime.scheduler().stacks_made() == 1);
}

TEST_CASE("times add up: a sleeping guest is asleep, not on the CPU") {
  const auto times_of_sleeper = [](Runtime& runtime) {
    GuestTimes times(runtime.clock());
    runtime.scheduler().set_event_sink(&times);
    const Output output;
    auto module = runtime.load(guest_path("c_sleep300"));
    REQUIRE(module.ok());
    auto guest = runtime.spawn(*module, {.stdin_from = -1, .stdout_to = output.fd()});
    REQUIRE(guest.ok());
    CHECK(runtime.run().end == RunEnd::finished);
    runtime.scheduler().set_event_sink(nullptr);
    return times.of(**guest);
  };
  ManualClock clock;
  weft::test::FakePoller poller(clock);
  Runtime manual({.clock = &clock, .poller = &poller}, make_interp());
  CHECK(times_of_sleeper(manual).asleep == milliseconds(300));
  CHECK(times_of_sleeper(manual).switches == 2);
  Runtime real;
  const auto times = times_of_sleeper(real);
  CHECK(times.asleep >= milliseconds(300));
  CHECK(times.on_cpu > Duration{});
  CHECK(times.switches >= 2);
}

TEST_CASE("a file that can't be loaded is named with what is wrong") {
  Runtime runtime;
  const auto error = [&](const std::string& path) { return runtime.load(path).error().message; };
  CHECK(error("/nonexistent.wasm") == "/nonexistent.wasm: No such file or directory");
  CHECK(error("/tmp") == "/tmp: is a directory, not a WebAssembly module");
  CHECK(error("/dev/null") == "/dev/null: the file is empty");
  CHECK(error(guest_path("wat_bad_import")).find("\"env\" \"nope\"") != std::string::npos);
}

TEST_CASE("guests run in the loop of an Asio program, beside its own handlers") {
  boost::asio::io_context io;
  Output output;
  std::size_t ended = 0;
  {
    Runtime runtime(io);
    runtime.on_guest_end([&](const Guest&) { ++ended; });
    for (const char* name : {"c_ticker", "go_sleep300"}) {
      auto module = runtime.load(guest_path(name));
      REQUIRE(module.ok());
      REQUIRE(runtime.spawn(*module, {.stdin_from = -1, .stdout_to = output.fd()}).ok());
    }
    bool handled = false;
    boost::asio::post(io, [&] { handled = true; });
    io.run();
    CHECK(handled);
    CHECK(ended == 2);
    // The same Runtime again, now by its own run().
    auto module = runtime.load(guest_path("c_hello"));
    REQUIRE(runtime.spawn(*module, {.stdin_from = -1, .stdout_to = output.fd()}).ok());
    CHECK(runtime.run().end == RunEnd::finished);
    CHECK(ended == 3);
  }
  CHECK(output.text().find("tick 5") != std::string::npos);
  CHECK(output.text().find("slept true") != std::string::npos);
}
