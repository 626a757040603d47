// SPDX-License-Identifier: Apache-2.0
// Whole guests in virtual time.
#include "sim/guest_run.h"

#include <doctest/doctest.h>

#include <csignal>

#include "tests/unit/guest/guests.h"

namespace {

using namespace weft;
using namespace weft::sim;

struct Loaded {
  Runtime runtime{make_interp()};
  GuestSetup guest(const char* name, std::vector<std::string> args = {}) {
    auto module = runtime.load(test::guest_path(name));
    REQUIRE(module.ok());
    GuestSetup setup;
    setup.module = *module;
    setup.args = {name};
    for (std::string& arg : args) setup.args.push_back(std::move(arg));
    return setup;
  }
};

RunRecord run(const std::vector<GuestSetup>& guests, const GuestRunSettings& settings) {
  auto record = run_guests(guests, settings);
  REQUIRE(record.ok());
  return *record;
}

TEST_CASE("a sleep of 300 ms takes 300 ms of virtual time") {
  Loaded loaded;
  const RunRecord record = run({loaded.guest("c_sleep300")}, {});
  CHECK(record.ending == Ending::passed);
  CHECK(record.virtual_time == milliseconds(300));
}

TEST_CASE("the same seed gives the same stream of events, another seed another one") {
  Loaded loaded;
  const std::vector<GuestSetup> guests = {loaded.guest("c_random"), loaded.guest("c_ticker"),
                                          loaded.guest("c_yield_n")};
  GuestRunSettings settings;
  settings.policy.name = "random";
  settings.lateness = milliseconds(5);
  settings.seed = 1;
  const RunRecord first = run(guests, settings);
  CHECK(run(guests, settings).hash == first.hash);
  CHECK(run(guests, settings).out == first.out);
  settings.seed = 2;
  CHECK(run(guests, settings).hash != first.hash);
}

TEST_CASE("a schedule that was written down gives the same run without its policy") {
  Loaded loaded;
  const std::vector<GuestSetup> guests = {loaded.guest("c_ticker"), loaded.guest("c_ticker")};
  GuestRunSettings settings;
  settings.policy.name = "random";
  settings.lateness = milliseconds(50);
  settings.seed = 5;
  const RunRecord first = run(guests, settings);
  CHECK(!first.schedule.deviations.empty());
  settings.policy.name = "fifo";
  settings.forced = &first.schedule;
  const RunRecord again = run(guests, settings);
  CHECK(again.hash == first.hash);
  CHECK(!again.left_schedule);
}

// As a signal that comes at the event with this number.
struct StopAt final : EventListener {
  int left;
  volatile std::sig_atomic_t stop = 0;
  explicit StopAt(int event) : left(event) {}
  void on_g(std::uint64_t, std::string_view) noexcept override {}
  void on_event(const Event&) noexcept override {
    if (left-- == 0) stop = 1;
  }
};

TEST_CASE("the replay of a run that a signal stopped had another last event, now and then") {
  Loaded loaded;
  const std::vector<GuestSetup> guests = {loaded.guest("c_ticker"), loaded.guest("c_args_env"),
                                          loaded.guest("c_poll")};
  for (const Duration cost : {Duration{}, microseconds(1)}) {
    int stopped = 0;
    for (int event = 0;; ++event) {
      CAPTURE(event);
      GuestRunSettings settings;
      settings.policy.name = "random";
      settings.cost = cost;
      StopAt listener(event);
      settings.listener = &listener;
      settings.stop = &listener.stop;
      const RunRecord first = run(guests, settings);
      if (!first.stopped) break;
      CHECK(first.ending == Ending::livelock);
      settings.listener = nullptr;
      settings.stop = nullptr;
      settings.steps_max = first.steps_max;
      settings.forced = &first.schedule;
      const RunRecord again = run(guests, settings);
      CHECK(again.hash == first.hash);
      CHECK(again.message == first.message);
      CHECK(!again.left_schedule);
      ++stopped;
    }
    CHECK(stopped > 50);
  }
}

TEST_CASE("realtime starts where it is told") {
  Loaded loaded;
  GuestRunSettings settings;
  settings.realtime_start = 1'000'000'000'000'000'000;
  const RunRecord a = run({loaded.guest("c_clock")}, settings);
  CHECK(run({loaded.guest("c_clock")}, settings).out == a.out);
}

TEST_CASE("endings are told apart") {
  Loaded loaded;
  CHECK(run({loaded.guest("c_exit7")}, {}).ending == Ending::exit_code);
  CHECK(run({loaded.guest("c_exit7")}, {}).exit_code == 7);
  CHECK(run({loaded.guest("c_trap_div")}, {}).ending == Ending::trapped);
  GuestRunSettings settings;
  settings.steps_max = 1000;
  CHECK(run({loaded.guest("c_busy")}, settings).ending == Ending::livelock);
  settings.steps_max = UINT64_MAX;
  settings.time_max = milliseconds(100);
  CHECK(run({loaded.guest("c_sleep300")}, settings).ending == Ending::timed_out);
  const std::string expected = "hello from c\n";
  settings.expected = &expected;
  CHECK(run({loaded.guest("c_hello")}, settings).ending == Ending::passed);
  const std::string other = "hello\n";
  settings.expected = &other;
  CHECK(run({loaded.guest("c_hello")}, settings).ending == Ending::output);
}

TEST_CASE("CPU work that costs moves the time, and lets a timer come due while a guest computes") {
  Loaded loaded;
  GuestRunSettings settings;
  settings.cost = milliseconds(10);
  settings.time_max = seconds(1);
  const RunRecord record = run({loaded.guest("c_busy"), loaded.guest("c_ticker")}, settings);
  CHECK(record.ending == Ending::timed_out);
  CHECK(record.out.find('1') != std::string::npos);  // The ticker's first tick.
}

TEST_CASE("stdin is what the run was given") {
  Loaded loaded;
  GuestRunSettings settings;
  settings.input = "one\ntwo\n";
  CHECK(run({loaded.guest("c_cat")}, settings).out == "one\ntwo\n");
}

}  // namespace
