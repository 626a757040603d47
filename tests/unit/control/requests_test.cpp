// SPDX-License-Identifier: Apache-2.0
#include "control/requests.h"

#include <doctest/doctest.h>

#include "control/metrics.h"

using namespace weft;
using namespace weft::control;

namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("half of the waits end by the median, and one in a hundred is longer than the 99th") {
  WaitHistogram waits;
  CHECK(waits.quantile(0.5).ns == 0);
  for (int i = 0; i < 980; ++i) waits.add(microseconds(1));
  for (int i = 0; i < 20; ++i) waits.add(milliseconds(1));
  const auto is_about = [](Duration d, Duration wanted) {
    return d.ns >= wanted.ns && d.ns <= wanted.ns * 5 / 4;
  };
  CHECK(is_about(waits.quantile(0.5), microseconds(1)));
  CHECK(is_about(waits.quantile(0.99), milliseconds(1)));
  CHECK(waits.count() == 1000);
  waits.add(nanoseconds(0));
  waits.add(Duration{INT64_MAX});
  CHECK(waits.count() == 1002);
}

TEST_CASE("what is no request is answered with what one is") {
  Runtime runtime;
  Requests requests(runtime, {"program", "1.2.3"});
  CHECK(has(requests.greeting(), "\"weft\":\"1.2.3\",\"control\":1"));
  CHECK(has(requests.answer("{"), "\"ok\":false"));
  CHECK(has(requests.answer("{}"), "'request' must be a text"));
  CHECK(has(requests.answer(R"({"request": "fly"})"), "unknown request 'fly'"));
  CHECK(has(requests.answer(R"({"request": "kill"})"), "'guest' must be a whole number"));
  CHECK(has(requests.answer(R"({"request": "kill", "guest": 7})"), "there is no guest 7"));
  CHECK(has(requests.answer(R"({"request": "dump", "id": "a"})"), "\"id\":\"a\""));
}

TEST_CASE("switches are counted only while somebody asks, and for a minute after") {
  ManualClock clock;
  Runtime runtime(RuntimeOptions{.clock = &clock});
  Requests requests(runtime, {});
  CHECK(runtime.scheduler().event_sink() == nullptr);
  (void)requests.answer(R"({"request": "dump"})");
  CHECK(runtime.scheduler().event_sink() == nullptr);
  (void)requests.answer(R"({"request": "guests"})");
  CHECK(runtime.scheduler().event_sink() != nullptr);
  clock.advance(seconds(59));
  requests.look_at_the_time();
  CHECK(requests.counts());
  clock.advance(seconds(2));
  requests.look_at_the_time();
  CHECK_FALSE(requests.counts());
  CHECK(runtime.scheduler().event_sink() == nullptr);
}

TEST_CASE("another sink in front keeps the counting one in its place") {
  struct Other final : EventSink {
    void on_event(const GEvent& event) noexcept override { (void)event; }
  } other;
  Runtime runtime;
  Scheduler& scheduler = runtime.scheduler();
  Accounting accounting(scheduler, runtime.clock());
  accounting.install();
  EventSink* const own = scheduler.event_sink();
  scheduler.set_event_sink(&other);
  CHECK_FALSE(accounting.remove());
  scheduler.set_event_sink(own);
  CHECK(accounting.remove());
  CHECK(scheduler.event_sink() == nullptr);
}

TEST_CASE("a label of a metric is escaped, and its bytes are UTF-8") {
  CHECK(label("name", "a\"b\\c\nd\xff") == "name=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\"");
}
