// SPDX-License-Identifier: Apache-2.0
// What a trace is told of a guest's goroutines, from a memory that is written here.
#include "sim/trace/goroutine_trace.h"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "guest/go/go_pc.h"
#include "os/clocks.h"

namespace weft::sim {
namespace {

using guest::go::Entry;
using guest::go::GStatus;

constexpr std::uint32_t kFirst = 256;  // Where a g lies.
constexpr std::uint32_t kSecond = 512;
constexpr std::uint32_t kSwitchSp = 1'024;

struct NoSteering final : guest::go::Steering {
  void entered(Entry /*entry*/, std::uint32_t /*sp*/, std::uint32_t /*g*/,
               wasip1::Memory /*memory*/) noexcept override {}
  void ran(Duration /*time*/, wasip1::Memory /*memory*/) noexcept override {}
};

struct Told final : GoroutineListener {
  std::vector<std::string> lines;
  int left_out = 0;
  void on_goroutines_left_out(std::size_t /*guest*/,
                              std::string_view /*guest_name*/) noexcept override {
    ++left_out;
  }
  void on_goroutine(const GoroutineEvent& event) noexcept override {
    lines.push_back(std::to_string(event.goroutine) + " " + std::string(event.function) + " " +
                    name(event.state) + " " + std::string(event.wait_reason));
  }
};

guest::go::GoModule traced_module() {
  guest::go::GoModule module;
  guest::go::Offsets& at = module.runtime.offsets;
  at.allgs = 64;
  at.g_goid = 24;
  at.g_status = 32;
  at.g_waitreason = 36;
  at.g_startpc = 40;
  module.runtime.set_names({"main.first", "main.second"});
  module.runtime.wait_reasons = {"", "sleep"};
  return module;
}

class Guest {
 public:
  Guest() {
    put(64, std::uint64_t{96});
    put(72, std::uint64_t{2});
    put(96, std::uint64_t{kFirst});
    put(104, std::uint64_t{kSecond});
    trace_.see(&seen_);
  }
  void is(std::uint32_t g, std::uint64_t id, GStatus status, std::uint8_t reason = 0) {
    put(g + 24, id);
    put(g + 32, static_cast<std::uint32_t>(status));
    put(g + 36, reason);
    put(g + 40, guest::go::pc_of(g == kFirst ? 0 : 1));
  }
  std::vector<std::string> execute(std::uint32_t g) {
    put(kSwitchSp + guest::go::kArguments, std::uint64_t{g});
    trace_.entered(Entry::execute, kSwitchSp, 0, wasip1::Memory(bytes_));
    return std::exchange(told_.lines, {});
  }
  std::vector<std::string> look() {
    trace_.look();
    return std::exchange(told_.lines, {});
  }
  void ends() { trace_.see(nullptr); }

 private:
  template <class T>
  void put(std::uint32_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }

  const guest::go::GoModule module_ = traced_module();
  std::array<std::byte, 2'048> bytes_{};
  std::span<std::byte> seen_{bytes_};
  ManualClock clock_;
  Told told_;
  GoroutineTrace trace_{module_, 1, "guest", clock_, told_, std::make_unique<NoSteering>()};
};

using Lines = std::vector<std::string>;

TEST_CASE("a trace is told of a goroutine that gets the thread, and of the one that had it") {
  Guest guest;
  guest.is(kFirst, 1, GStatus::runnable);
  CHECK(guest.execute(kFirst) == Lines{"1 main.first running "});
  guest.is(kFirst, 1, GStatus::waiting, 1);
  guest.is(kSecond, 2, GStatus::runnable);
  CHECK(guest.execute(kSecond) == Lines{"1 main.first waiting sleep", "2 main.second running "});
  guest.is(kSecond, 2, GStatus::running);
  CHECK(guest.look().empty());
}

TEST_CASE("a trace is told when all goroutines wait, and when one has ended") {
  Guest guest;
  guest.is(kFirst, 1, GStatus::runnable);
  guest.execute(kFirst);
  guest.is(kFirst, 1, GStatus::waiting, 99);
  CHECK(guest.look() == Lines{"1 main.first waiting waiting"});
  guest.is(kFirst, 1, GStatus::dead);
  CHECK(guest.look() == Lines{"1 main.first dead "});
}

TEST_CASE("a g that the runtime uses again is another goroutine's lane") {
  Guest guest;
  guest.is(kFirst, 1, GStatus::runnable);
  guest.execute(kFirst);
  guest.is(kFirst, 7, GStatus::runnable);
  CHECK(guest.look() == Lines{"1 main.first dead ", "7 main.first runnable "});
}

TEST_CASE("nothing is read of a guest that has ended") {
  Guest guest;
  guest.is(kFirst, 1, GStatus::runnable);
  guest.ends();
  CHECK(guest.look() == Lines{"1 main.first runnable "});  // The last look, before it went.
  guest.is(kFirst, 1, GStatus::waiting, 1);
  CHECK(guest.look().empty());
}

// A guest with so many goroutines, each waiting until it gets the thread.
class Crowd {
 public:
  explicit Crowd(std::uint64_t count) : bytes_(kGs + (8 + kGBytes) * count) {
    trace_.see(&seen_);  // The guest begins.
    put(64, std::uint64_t{kGs});
    put(72, count);
    for (std::uint64_t n = 0; n < count; ++n) {
      put(kGs + 8 * n, at(count, n));
      is(at(count, n), n + 1, GStatus::waiting);
    }
  }
  // As if the trace began only now.
  void is_seen_late() { trace_.see(&seen_); }
  [[nodiscard]] static std::uint64_t at(std::uint64_t count, std::uint64_t nth) {
    return kGs + 8 * count + kGBytes * nth;
  }
  void is(std::uint64_t g, std::uint64_t id, GStatus status) {
    put(g + 24, id);
    put(g + 32, static_cast<std::uint32_t>(status));
  }
  void execute(std::uint64_t g) {
    put(16, g);
    trace_.entered(Entry::execute, 16 - guest::go::kArguments, 0, wasip1::Memory(bytes_));
  }
  void look() { trace_.look(); }
  [[nodiscard]] std::vector<std::string> told() { return std::exchange(told_.lines, {}); }
  [[nodiscard]] int left_out() const { return told_.left_out; }
  [[nodiscard]] std::size_t lanes() const { return trace_.lanes(); }

 private:
  static constexpr std::uint64_t kGs = 128;
  static constexpr std::uint64_t kGBytes = 48;
  template <class T>
  void put(std::uint64_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }

  const guest::go::GoModule module_ = traced_module();
  std::vector<std::byte> bytes_;
  std::span<std::byte> seen_{bytes_};
  ManualClock clock_;
  Told told_;
  GoroutineTrace trace_{module_, 1, "guest", clock_, told_, std::make_unique<NoSteering>()};
};

TEST_CASE("a switch between two of many goroutines looks at these two, and now and then at all") {
  constexpr std::uint64_t kCount = 16 * GoroutineTrace::kLooksPerSwitch;
  Crowd guest(kCount);
  const std::uint64_t first = Crowd::at(kCount, 0);
  const std::uint64_t second = Crowd::at(kCount, 1);
  guest.execute(first);
  CHECK(guest.told() == Lines{"1  running "});
  guest.execute(second);
  CHECK(guest.told() == Lines{"1  waiting ", "2  running "});
  CHECK(guest.lanes() == 2);
  for (int n = 0; n < 13; ++n) guest.execute(second);
  CHECK(guest.told().empty());
  guest.execute(second);  // The 16th.
  CHECK(guest.told().size() == kCount - 2);
}

TEST_CASE(
    "a trace that begins when a guest has run is told of all goroutines, and which one runs") {
  constexpr std::uint64_t kCount = 16 * GoroutineTrace::kLooksPerSwitch;
  Crowd guest(kCount);
  const std::uint64_t fourth = Crowd::at(kCount, 3);
  guest.is(fourth, 4, GStatus::running);
  guest.is_seen_late();
  const Lines told = guest.told();
  REQUIRE(told.size() == kCount);
  CHECK(told[2] == "3  waiting ");
  CHECK(told[3] == "4  running ");
  guest.is(fourth, 4, GStatus::waiting);
  guest.execute(Crowd::at(kCount, 5));
  CHECK(guest.told() == Lines{"4  waiting ", "6  running "});
}

TEST_CASE("goroutines that have ended are forgotten") {
  Crowd guest(10);
  for (std::uint64_t id = 1; id <= 1'000; ++id) {
    const std::uint64_t g = Crowd::at(10, id % 10);
    guest.is(g, id + 10, GStatus::runnable);
    guest.execute(g);
    guest.is(g, id + 10, GStatus::dead);
    guest.look();
  }
  CHECK(guest.lanes() == 0);
  CHECK(guest.left_out() == 0);
}

TEST_CASE("a guest that names ever other addresses as its goroutines takes bounded memory") {
  constexpr std::uint64_t kMore = GoroutineTrace::kLanesMax + 1'000;
  Crowd guest(kMore);
  for (std::uint64_t n = 0; n < kMore; ++n) guest.execute(Crowd::at(kMore, n));
  CHECK(guest.lanes() == GoroutineTrace::kLanesMax);
  CHECK(guest.left_out() == 1);
}

}  // namespace
}  // namespace weft::sim
