// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <array>
#include <cstring>

#include "guest/go/each_prologue.h"
#include "guest/go/preemption.h"

namespace weft::guest::go {
namespace {

constexpr std::uint32_t kG = 256;      // Where a g lies.
constexpr std::uint32_t kOther = 512;  // Another one.
constexpr std::uint32_t kCoro = 768;
constexpr std::uint32_t kSp = 1'024;  // The stack of execute()'s caller.
constexpr std::uint64_t kGuard = 0x21'0400;

// A memory with two gs, of which one is about to run.
class Guest {
 public:
  Guest() {
    put(kG + 16, kGuard);
    put(kOther + 16, kGuard);
    execute(kG);
  }

  void execute(std::uint32_t g, bool inherits_time = false) {
    put(kSp + 8, std::uint64_t{g});
    put(kSp + 16, std::uint8_t{inherits_time});
    preemption.entered(Entry::execute, kSp, 0, memory());
  }
  // As iter.Pull does: through a coro, in which the other one waits.
  void hands_on(std::uint32_t from, std::uint32_t to) {
    put(from + 24, std::uint64_t{kCoro});
    put(kCoro + 8, std::uint64_t{to});
    put(kSp + 8, std::uint64_t{from});
    preemption.entered(Entry::coroswitch, kSp, 0, memory());
  }
  void enters_morestack(std::uint32_t g) { preemption.entered(Entry::morestack, kSp, g, memory()); }
  void enters_prologue(std::uint32_t g) { preemption.entered(kPrologue, kSp, g, memory()); }
  void gives_way() { preemption.entered(Entry::gosched, kSp, 0, memory()); }
  void runs(Duration time) { preemption.ran(time, memory()); }

  template <class T>
  void put(std::uint32_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  [[nodiscard]] std::uint64_t guard(std::uint32_t g) const {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + g + 16, sizeof value);
    return value;
  }

 private:
  wasip1::Memory memory() { return wasip1::Memory(bytes_); }

  static GoModule known() {
    GoModule module;
    module.runtime.offsets.g_stackguard0 = 16;
    module.runtime.offsets.g_coroarg = 24;
    module.runtime.offsets.coro_gp = 8;
    return module;
  }

  const GoModule module_ = known();
  std::array<std::byte, 2'048> bytes_{};

 public:
  Preemption preemption{module_};
};

TEST_CASE("a goroutine is left alone for 10 ms") {
  Guest guest;
  guest.runs(milliseconds(9));
  CHECK(guest.guard(kG) == kGuard);
  guest.runs(milliseconds(1));
  CHECK(guest.guard(kG) == kLure);
  CHECK(guest.guard(kOther) == kGuard);
}

TEST_CASE("what the next prologue finds becomes Go's own wish in morestack, and is counted") {
  Guest guest;
  guest.runs(milliseconds(10));
  guest.enters_morestack(kG);
  CHECK(guest.guard(kG) == kStackPreempt);
  CHECK(guest.preemption.count() == 0);
  guest.gives_way();
  CHECK(guest.preemption.count() == 1);
  guest.gives_way();  // By itself.
  CHECK(guest.preemption.count() == 1);
}

TEST_CASE("between morestack and newstack nothing is stored over Go's wish") {
  Guest guest;
  guest.runs(milliseconds(10));
  guest.enters_morestack(kG);
  guest.runs(milliseconds(1));
  CHECK(guest.guard(kG) == kStackPreempt);
  guest.gives_way();
  CHECK(guest.preemption.count() == 1);
}

TEST_CASE("a stack that grows by itself, or another goroutine's, is not touched") {
  Guest guest;
  guest.enters_morestack(kG);
  CHECK(guest.guard(kG) == kGuard);
  guest.runs(milliseconds(10));
  guest.enters_morestack(kOther);
  CHECK(guest.guard(kOther) == kGuard);
  guest.put(kG + 16, kGuard + 4'096);  // It has been moved.
  guest.enters_morestack(kG);
  CHECK(guest.guard(kG) == kGuard + 4'096);
}

TEST_CASE("a goroutine that the runtime would not interrupt is asked again") {
  Guest guest;
  guest.runs(milliseconds(10));
  guest.enters_morestack(kG);
  guest.put(kG + 16, kGuard);  // newstack: not now.
  guest.runs(microseconds(50));
  CHECK(guest.guard(kG) == kLure);
  CHECK(guest.preemption.waits() == microseconds(50));
  guest.gives_way();
  CHECK(guest.preemption.count() == 0);
}

TEST_CASE("the slice begins when a goroutine gets the thread, except one that inherits it") {
  Guest guest;
  guest.runs(milliseconds(8));
  guest.execute(kOther, true);
  guest.runs(milliseconds(2));
  CHECK(guest.guard(kOther) == kLure);
  guest.execute(kG);
  guest.runs(milliseconds(9));
  CHECK(guest.guard(kG) == kGuard);
}

TEST_CASE("a goroutine that computes inside of iter.Pull starved the others") {
  Guest guest;
  guest.runs(milliseconds(6));
  guest.hands_on(kG, kOther);
  guest.runs(milliseconds(6));
  CHECK(guest.guard(kG) == kGuard);
  CHECK(guest.guard(kOther) == kLure);
  guest.enters_morestack(kOther);
  CHECK(guest.guard(kOther) == kStackPreempt);
  guest.gives_way();
  CHECK(guest.preemption.count() == 1);
}

TEST_CASE("what a goroutine is asked goes to the one that it hands the thread on to") {
  Guest guest;
  guest.runs(milliseconds(10));
  CHECK(guest.guard(kG) == kLure);
  guest.hands_on(kG, kOther);
  CHECK(guest.guard(kG) == kGuard);
  CHECK(guest.guard(kOther) == kLure);
}

// It may go on as a coroutine, where runtime.execute does not write its guard.
TEST_CASE("a goroutine that leaves the thread finds its own guard when it goes on") {
  Guest guest;
  guest.runs(milliseconds(10));
  guest.execute(kOther);
  CHECK(guest.guard(kG) == kGuard);
  guest.runs(milliseconds(10));
  guest.put(kOther + 16, kGuard + 4'096);  // Its stack has been moved.
  guest.execute(kG);
  CHECK(guest.guard(kOther) == kGuard + 4'096);
}

TEST_CASE("told so, a goroutine is asked at each third prologue, but not where it begins again") {
  give_way_at_each(3);
  Guest guest;
  give_way_at_each(0);
  const auto is_asked = [&] {
    guest.enters_prologue(kOther);  // Of the scheduler's: not counted.
    guest.enters_prologue(kG);
    return guest.guard(kG) == kLure;
  };
  for (int round = 0; round < 2; ++round) {
    CHECK_FALSE(is_asked());
    CHECK_FALSE(is_asked());
    CHECK(is_asked());
    guest.enters_morestack(kG);
    guest.gives_way();
    guest.put(kG + 16, kGuard);
    guest.execute(kG);
    guest.enters_prologue(kG);  // The same one again.
  }
  CHECK(guest.preemption.count() == 2);
}

TEST_CASE("a g beyond the memory is nobody's") {
  Guest guest;
  guest.execute(UINT32_MAX - 8);
  guest.runs(milliseconds(10));
  guest.enters_morestack(UINT32_MAX - 8);
  CHECK(guest.preemption.count() == 0);
}

}  // namespace
}  // namespace weft::guest::go
