// SPDX-License-Identifier: Apache-2.0
#include "sim/goroutines.h"

#include <doctest/doctest.h>

#include <array>
#include <cstring>

namespace weft::sim {
namespace {

using guest::go::Entry;

// Where things lie in the memory, and the offsets in them.
constexpr std::uint32_t kG = 256;
constexpr std::uint32_t kOther = 512;
constexpr std::uint32_t kM = 768;
constexpr std::uint32_t kP = 800;
constexpr std::uint32_t kSp = 1'024;  // At the entry of the function that others can see.
constexpr std::uint64_t kGuard = 0x21'0400;

guest::go::GoModule known() {
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
  return module;
}

// Goroutine 1 runs, goroutine 2 is runnable; and pct lets 1 fall below 2 at the first question.
class TwoGoroutines {
 public:
  TwoGoroutines() {
    put(kG + 16, kGuard);
    put(kG + 24, std::uint64_t{1});
    put(kG + 32, std::uint64_t{kM});
    put(kOther + 24, std::uint64_t{2});
    put(kM + 8, std::uint64_t{kP});
    put(kP + 20, std::uint32_t{1});
    put(kP + 24, std::uint64_t{kOther});
    execute();
    enters(Entry::main, kSp);
  }

  void execute() {
    put(kSp + guest::go::kArguments, std::uint64_t{kG});
    enters(Entry::execute, kSp);
  }
  void enters(Entry entry, std::uint32_t sp) { steering_.entered(entry, sp, kG, memory()); }
  // The function asks for more stack, where newstack finds Go's own wish, and takes it away.
  void asks_for_stack() {
    enters(Entry::morestack, kSp - guest::go::kArguments);
    CHECK(guard() == guest::go::kStackPreempt);
    put(kG + 16, kGuard);
  }
  // Is the running goroutine to give way, where it begins with the function?
  bool is_asked() {
    enters(Entry::visible, kSp);
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

  const guest::go::GoModule module_ = known();
  std::array<std::byte, 2'048> bytes_{};
  const PolicySpec spec_ = *parse_policy("pct:depth=2,steps=1");
  ManualClock clock_;
  EventLog log_;
  const std::unique_ptr<Policy> of_guests_ = make_policy(spec_, 1);
  Director director_{DirectorOptions{}, *of_guests_, log_, clock_, &clock_};
  GoroutineSteering steering_{module_, director_, spec_, 1, false};
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

}  // namespace
}  // namespace weft::sim
