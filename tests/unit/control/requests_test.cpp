// SPDX-License-Identifier: Apache-2.0
#include "control/requests.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/guest_metrics.h"
#include "control/metrics.h"
#include "guest/runtime.h"

using namespace weft;
using namespace weft::control;

namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// (module (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
//   (memory (export "memory") 1) (func (export "_start") (drop (call $yield))))
constexpr std::string_view kYields{
    "\0asm\1\0\0\0"
    "\1\x08\2\x60\0\1\x7f\x60\0\0"
    "\2\x26\1\x16wasi_snapshot_preview1\x0bsched_yield\0\0"
    "\3\2\1\1"
    "\5\3\1\0\1"
    "\7\x13\2\6memory\2\0\6_start\0\1"
    "\x0a\7\1\5\0\x10\0\x1a\x0b",
    8 + 10 + 40 + 4 + 5 + 21 + 9};

void run_guest_that_yields(Runtime& runtime) {
  auto module = runtime.load_bytes("yields.wasm", std::as_bytes(std::span(kYields)));
  REQUIRE(module.ok());
  auto guest = runtime.spawn(*module);
  REQUIRE(guest.ok());
  runtime.run();
  CHECK((*guest)->end()->kind == GuestEnd::Kind::exited);
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; ++at) ++n;
  return n;
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

TEST_CASE("a trace that begins late has the calls of its Runtime's guests, and no other's") {
  const std::filesystem::path file = std::filesystem::temp_directory_path() /
                                     ("weft-late-trace-" + std::to_string(::getpid()) + ".json");
  Runtime runtime;
  Runtime other;
  Requests requests(runtime, {});
  run_guest_that_yields(runtime);
  const std::string start = R"({"request": "trace-start", "file": ")" + file.string() + R"("})";
  CHECK(has(requests.answer(start), "\"ok\":true"));
  run_guest_that_yields(runtime);
  run_guest_that_yields(other);
  CHECK(has(requests.answer(R"({"request": "trace-stop"})"), "\"ok\":true"));
  run_guest_that_yields(runtime);
  std::ifstream in(file);
  const std::string written{std::istreambuf_iterator<char>(in), {}};
  std::filesystem::remove(file);
  CHECK(count(written, "sched_yield") == 1);
}

namespace {

// A memory of Go's with so many goroutines, all of which wait.
struct Waiting {
  explicit Waiting(std::uint64_t count) : memory(kGs + (8 + kGBytes) * count) {
    guest::go::Offsets& at = runtime.offsets;
    at.allgs = 64;
    at.g_status = 32;
    at.g_startpc = 40;
    runtime.set_names({"main.waits"});
    put(64, kGs);
    put(72, count);
    for (std::uint64_t n = 0; n < count; ++n) {
      const std::uint64_t g = kGs + 8 * count + kGBytes * n;
      put(kGs + 8 * n, g);
      put(g + 32, static_cast<std::uint64_t>(guest::go::GStatus::waiting));
      put(g + 40, std::uint64_t{0x1000} << 16);  // The first function.
    }
  }
  void put(std::uint64_t at, std::uint64_t value) {
    std::memcpy(memory.data() + at, &value, sizeof value);
  }

  static constexpr std::uint64_t kGs = 128;
  static constexpr std::uint64_t kGBytes = 64;
  guest::go::GoRuntime runtime;
  std::vector<std::byte> memory;
};

}  // namespace

TEST_CASE("figures of goroutines that are not all counted say so") {
  Runtime runtime;
  auto module = runtime.load_bytes("yields.wasm", std::as_bytes(std::span(kYields)));
  REQUIRE(module.ok());
  for (int i = 0; i < 4; ++i) REQUIRE(runtime.spawn(*module).ok());
  const Waiting go(100);
  // The last one is not Go's.
  const auto of = [&](const Guest& guest) {
    return guest.number() < 4 ? GoMemory{&go.runtime, go.memory} : GoMemory{};
  };
  MetricsText text;
  add_goroutines(text, runtime, {.counted = 130}, of);
  const std::string said = text.take();
  const auto line = [](int guest, const char* family, const char* more, int value) {
    return "\nweft_guest_goroutines" + std::string(family) + "{guest=\"" + std::to_string(guest) +
           "\",name=\"yields.wasm\"" + more + "} " + std::to_string(value) + "\n";
  };
  CHECK(has(said, line(1, "", ",state=\"waiting\"", 100)));
  CHECK(has(said, line(2, "", ",state=\"waiting\"", 30)));
  CHECK(has(said, line(3, "", ",state=\"waiting\"", 0)));
  CHECK(has(said, line(1, "_whole", "", 1)));
  CHECK(has(said, line(2, "_whole", "", 0)));
  CHECK(has(said, line(3, "_whole", "", 0)));
  CHECK_FALSE(has(said, "guest=\"4\""));
  CHECK(count(said, "# TYPE ") == 2);
}
