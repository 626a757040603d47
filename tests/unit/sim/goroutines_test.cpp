// SPDX-License-Identifier: Apache-2.0
#include "sim/goroutines.h"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "guest/go/go_pc.h"
#include "guest/go/goroutine_list.h"

namespace weft::sim {
namespace {

using guest::go::Entry;

// Where things lie in the memory, and the offsets in them.
constexpr std::uint32_t kG = 256;
constexpr std::uint32_t kOther = 512;
constexpr std::uint32_t kM = 768;
constexpr std::uint32_t kP = 800;
constexpr std::uint32_t kEntrySp = 1'024;  // At the entry of the function that others can see.
constexpr std::uint32_t kOthersSp = 896;   // Of goroutine 2, which does not run.
constexpr std::uint64_t kGuard = 0x21'0400;

guest::go::GoModule steered_module() {
  guest::go::GoModule module;
  guest::go::Offsets& at = module.runtime.offsets;
  at.g_stackguard0 = 16;
  at.g_goid = 24;
  at.g_m = 32;
  at.m_p = 8;
  at.p_runnext = 8;
  at.p_runqhead = 16;
  at.p_runqtail = 20;
  at.p_runq = 24;
  at.runq_mask = 3;
  at.sched_runq_head = 0;
  at.allgs = 64;
  at.g_status = 40;
  at.g_waitreason = 44;
  at.g_startpc = 48;
  at.g_gopc = 56;
  at.g_parent_goid = 64;
  at.g_sched_sp = 72;
  module.runtime.set_names({"runtime.main", "main.main", "main.worker", "runtime.chansend1",
                            "io.Copy", "net/http.(*conn).serve", "io.example/x.F",
                            "example.com/net/http.G[io.Reader]", "iot.Send"});
  module.runtime.wait_reasons = {"", "chan send"};
  return module;
}

// Goroutine 1 runs, goroutine 2 is runnable; and pct lets 1 fall below 2 at the first question.
class TwoGoroutines {
 public:
  // Of a safe point.
  explicit TwoGoroutines(Duration cost = {}) : options_(with_cost(cost)) {
    put(kG + 16, kGuard);
    put(kG + 24, std::uint64_t{1});
    put(kG + 32, std::uint64_t{kM});
    put(kOther + 24, std::uint64_t{2});
    put(kM + 8, std::uint64_t{kP});
    put(kP + 20, std::uint32_t{1});
    put(kP + 24, std::uint64_t{kOther});
    // What runtime.allgs holds.
    put(64, std::uint64_t{96});
    put(72, std::uint64_t{2});
    put(96, std::uint64_t{kG});
    put(104, std::uint64_t{kOther});
    put(kG + 40, static_cast<std::uint32_t>(guest::go::GStatus::running));
    put(kG + 48, guest::go::pc_of(0));
    put(kOther + 40, static_cast<std::uint32_t>(guest::go::GStatus::waiting));
    put(kOther + 44, std::uint8_t{1});
    put(kOther + 48, guest::go::pc_of(2));
    put(kOther + 56, guest::go::pc_of(1) + 5);
    put(kOther + 64, std::uint64_t{1});
    put(kOther + 72, std::uint64_t{kOthersSp});
    put(kOthersSp, std::uint64_t{77});
    put(kOthersSp + 8, guest::go::pc_of(3) + 1);
    put(kOthersSp + 16, guest::go::pc_of(2) + 2);
    steering_.see(&seen_);
    execute();
    enters(Entry::main, kEntrySp);
  }

  void execute(bool inherits_time = false) {
    put(kEntrySp + guest::go::kArguments, std::uint64_t{kG});
    put(kEntrySp + guest::go::kArguments + 8, inherits_time);
    enters(Entry::execute, kEntrySp);
  }
  // A function that others can see begins, called from this one.
  void calls(Entry entry, std::uint64_t returns_to) {
    put(kEntrySp, returns_to);
    enters(entry, kEntrySp);
  }
  [[nodiscard]] const GoroutineSteering& steering() const { return steering_; }
  void enters(Entry entry, std::uint32_t sp) { steering_.entered(entry, sp, kG, memory()); }
  // The function asks for more stack, where newstack finds Go's own wish, and takes it away.
  void asks_for_stack() {
    enters(Entry::morestack, kEntrySp - guest::go::kArguments);
    CHECK(guard() == guest::go::kStackPreempt);
    put(kG + 16, kGuard);
  }
  // Is the running goroutine to give way when it has computed for this long?
  bool is_asked_after(Duration time) {
    clock_.advance(time);
    steering_.ran(time, memory());
    return guard() == guest::go::kLure;
  }
  // Is the running goroutine to give way, where it begins with the function?
  bool is_asked() {
    enters(Entry::visible, kEntrySp);
    return guard() == guest::go::kLure;
  }

 private:
  wasip1::Memory memory() { return wasip1::Memory(bytes_); }
  template <class T>
  void put(std::uint32_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  [[nodiscard]] std::uint64_t guard() const {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + kG + 16, sizeof value);
    return value;
  }

  static DirectorOptions with_cost(Duration cost) {
    DirectorOptions options;
    options.cost = cost;
    return options;
  }

  const DirectorOptions options_;
  const guest::go::GoModule module_ = steered_module();
  std::array<std::byte, 2'048> bytes_{};
  std::span<std::byte> seen_{bytes_};
  const PolicySpec spec_ = *parse_policy("pct:depth=2,steps=1");
  ManualClock clock_;
  EventLog log_;
  const std::unique_ptr<Policy> of_guests_ = make_policy(spec_, 1);
  Director director_{options_, *of_guests_, log_, clock_, &clock_};
  GoroutineSteering steering_{module_, director_, spec_, {.seed = 1, .keeps_operations = true}};
};

// In Go 1.23 and 1.24 the collector sends on a channel while the world is stopped.
TEST_CASE("a goroutine that can't be interrupted goes on, and is not asked for ever (Go 1.24)") {
  TwoGoroutines guest;
  CHECK(guest.is_asked());
  guest.asks_for_stack();  // Not now: the function begins again.
  CHECK_FALSE(guest.is_asked());
  CHECK(guest.is_asked());  // The next one.
}

TEST_CASE("a goroutine that gave way is asked where it begins again") {
  TwoGoroutines guest;
  CHECK(guest.is_asked());
  guest.asks_for_stack();
  guest.execute();
  CHECK(guest.is_asked());
}

// runtime.execute(gp, inheritTime) begins for each of them.
TEST_CASE("goroutines that hand the thread to each other share a slice of 10 ms (Go 1.22)") {
  TwoGoroutines guest(microseconds(1));
  CHECK_FALSE(guest.is_asked_after(milliseconds(6)));
  guest.execute(true);
  CHECK(guest.is_asked_after(milliseconds(6)));
}

TEST_CASE("a goroutine that is next in its turn has a slice of its own") {
  TwoGoroutines guest(microseconds(1));
  CHECK_FALSE(guest.is_asked_after(milliseconds(6)));
  guest.execute();
  CHECK_FALSE(guest.is_asked_after(milliseconds(6)));
}

TEST_CASE("a guest's goroutines are listed with where those that don't run wait") {
  const TwoGoroutines guest;
  const GoMemory memory = guest.steering().go_memory();
  const std::vector<guest::go::Goroutine> all =
      guest::go::list_goroutines(*memory.runtime, memory.bytes);
  REQUIRE(all.size() == 2);
  CHECK(describe(all[0]) == "goroutine 1 [running]: runtime.main");
  CHECK(describe(all[1]) ==
        "goroutine 2 [chan send]: main.worker, created by main.main in goroutine 1");
  CHECK(all[1].in == "main.worker");
}

TEST_CASE("the last operations are told with who does them, and once where one gave way") {
  TwoGoroutines guest;
  const std::uint64_t in_main = guest::go::pc_of(1) + 4;
  guest.calls(Entry::visible, in_main);  // It is to give way.
  guest.asks_for_stack();
  guest.execute();
  guest.calls(Entry::visible, in_main);  // Begun again, and asked again.
  const auto operations = guest.steering().last_operations();
  REQUIRE(operations.size() == 1);
  CHECK(operations[0] == "goroutine 1: chan receive in main.main, gives way");
}

TEST_CASE("operations in packages of Go are left out, not those of programs with such names") {
  TwoGoroutines guest;
  std::string told;
  for (const std::uint32_t function : {4U, 5U, 6U, 7U, 8U}) {
    guest.calls(Entry::visible, guest::go::pc_of(function) + 1);
    for (const std::string& line : guest.steering().last_operations()) told += line + "\n";
    guest.execute();
  }
  CHECK(told.find("in io.Copy") == std::string::npos);
  CHECK(told.find("in net/http.") == std::string::npos);
  CHECK(told.find("in io.example/x.F") != std::string::npos);
  CHECK(told.find("in example.com/net/http.G") != std::string::npos);
  CHECK(told.find("in iot.Send") != std::string::npos);
}

TEST_CASE("no more than the last operations are kept") {
  TwoGoroutines guest;
  for (std::uint32_t n = 0; n < 100; ++n) {
    guest.calls(static_cast<Entry>(static_cast<int>(Entry::visible) + (n == 99 ? 1U : 2 + n % 2)),
                guest::go::pc_of(3));  // Not the program's own.
  }
  const auto operations = guest.steering().last_operations();
  CHECK(operations.size() == 24);
  CHECK(operations.back() == "goroutine 1: chan send, gives way");
}

}  // namespace
}  // namespace weft::sim
