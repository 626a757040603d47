// SPDX-License-Identifier: Apache-2.0
#include "scheduler/stack.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <vector>

#include "scheduler/run_queue.h"

using namespace weft;

namespace {

// Does writing to this address end a process by a fault?
bool faults(std::byte* address) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGSEGV, SIG_DFL);
    std::signal(SIGBUS, SIG_DFL);
    *static_cast<volatile std::byte*>(address) = std::byte{1};
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status);
}

}  // namespace

TEST_CASE("the page below each stack faults, by either kind of guard") {
  for (const GuardKind kind : {GuardKind::automatic, GuardKind::mprotect}) {
    StackPool pool({.slot_bytes = 64 * 1024, .header_bytes = 64, .guard = kind});
    for (int i = 0; i < 3; ++i) {
      auto slot = pool.fresh();
      REQUIRE(slot.ok());
      CHECK(faults(slot->bottom - 1));
      CHECK_FALSE(faults(slot->bottom));
      CHECK(pool.in_guard(slot->bottom - 1));
      CHECK_FALSE(pool.in_guard(slot->bottom));
    }
    CHECK(pool.unguarded() == 0);
  }
}

TEST_CASE("guards by PROT_NONE stop at their budget, and what is unguarded is counted") {
  StackPool pool({.guard = GuardKind::mprotect, .mprotect_guards_max = 2});
  for (std::size_t i = 0; i < 5; ++i) {
    const auto slot = pool.fresh();
    REQUIRE(slot.ok());
    CHECK(pool.is_guarded(slot->bottom) == (i < 2));
  }
  CHECK(pool.unguarded() == 3);
  CHECK(pool.is_guarded(pool.slot(0).bottom));
}

TEST_CASE("stacks come back last in, first out, and those asked for are as they were left") {
  StackPool pool({.header_bytes = 64});
  REQUIRE(pool.reserve(3).ok());
  const StackPool::Slot a = pool.take().slot;
  const StackPool::Slot b = pool.take().slot;
  *a.bottom = std::byte{1};
  pool.give_back(b);
  pool.give_back(a);
  const StackPool::Taken again = pool.take();
  CHECK(again.slot.bottom == a.bottom);
  CHECK_FALSE(again.is_blank);
  CHECK(*again.slot.bottom == std::byte{1});
  CHECK(pool.take().slot.bottom == b.bottom);
  CHECK(pool.take().is_blank);
  CHECK(pool.used() == 3);
}

// TSan's pools return nothing.
#if !defined(WEFT_TSAN)
TEST_CASE("a stack whose memory went back is blank, and its guard page still faults") {
  for (const GuardKind kind : {GuardKind::automatic, GuardKind::mprotect}) {
    constexpr std::size_t kSlots = 1'000;
    StackPool pool({.header_bytes = 64, .guard = kind});
    REQUIRE(pool.reserve(kSlots).ok());
    std::vector<StackPool::Slot> slots;
    slots.reserve(kSlots);
    for (std::size_t i = 0; i < kSlots; ++i) slots.push_back(pool.take().slot);
    for (const StackPool::Slot& slot : slots) {
      *slot.bottom = *slot.header = std::byte{1};
      pool.give_back(slot);
    }
    pool.end_period();
    CHECK_FALSE(pool.return_some());  // In this period they were asked for.
    pool.end_period();
    CHECK(pool.has_much_idle());
    while (pool.return_some()) {
    }
    CHECK_FALSE(pool.has_much_idle());
    std::size_t blank = 0;
    for (std::size_t i = 0; i < kSlots; ++i) {
      const StackPool::Taken taken = pool.take();
      blank += taken.is_blank ? 1 : 0;
      CHECK(*taken.slot.header == (taken.is_blank ? std::byte{0} : std::byte{1}));
      CHECK(*taken.slot.bottom == std::byte{0});
    }
    CHECK(blank == kSlots - 256);
    CHECK(pool.used() == kSlots);
    for (const std::size_t i : {0, 500, 999}) {
      CHECK(faults(slots[i].bottom - 1));
      CHECK_FALSE(faults(slots[i].bottom));
    }
  }
}

TEST_CASE("a stack that was asked for within the period keeps its memory") {
  StackPool pool({.header_bytes = 64});
  REQUIRE(pool.reserve(1).ok());
  for (int period = 0; period < 3; ++period) {
    const StackPool::Taken taken = pool.take();
    CHECK(taken.is_blank == (period == 0));
    CHECK(*taken.slot.bottom == std::byte{period > 0});
    *taken.slot.bottom = std::byte{1};
    pool.give_back(taken.slot);
    pool.end_period();
    CHECK_FALSE(pool.return_some());
  }
}
#endif

TEST_CASE("ten thousand stacks take a handful of mappings") {
  StackPool pool({.header_bytes = 256});
  for (int i = 0; i < 10'000; ++i) REQUIRE(pool.fresh().ok());
  CHECK(pool.used() == 10'000);
  CHECK(pool.mappings() <= 13);
}

TEST_CASE("the headers of 32 neighbours lie in 32 different places of a page") {
  StackPool pool({.header_bytes = 128});
  std::set<std::uintptr_t> offsets;
  for (int i = 0; i < 32; ++i) {
    offsets.insert(reinterpret_cast<std::uintptr_t>(pool.fresh()->header) % 4096);
  }
  CHECK(offsets.size() == 32);
}

TEST_CASE("a run queue keeps its order when it grows and when one is taken or moved from within") {
  // The queue never looks behind the pointers it holds.
  const auto g = [](std::uintptr_t n) { return reinterpret_cast<G*>(n * 64); };
  RunQueue queue;
  queue.reserve(4);
  for (std::uintptr_t i = 1; i <= 60; ++i) (void)queue.push(*g(i));
  for (std::uintptr_t i = 1; i <= 50; ++i) CHECK(queue.pop().g == g(i));
  for (std::uintptr_t i = 61; i <= 100; ++i) (void)queue.push(*g(i));
  queue.reserve(1000);
  CHECK(queue.size() == 50);
  CHECK(queue.take(3).g == g(54));
  for (const std::uintptr_t i : {51, 52, 53, 55, 56}) CHECK(queue.pop().g == g(i));
  CHECK(queue.peek(0) == g(57));
  CHECK(queue.peek(45) == nullptr);
  queue.move_to_end(41);  // 98 of 57 to 100.
  queue.move_to_end(43);  // The last stays where it is.
  for (std::uintptr_t i = 57; i <= 97; ++i) CHECK(queue.pop().g == g(i));
  for (const std::uintptr_t i : {99, 100, 98}) CHECK(queue.pop().g == g(i));
  CHECK(queue.empty());
}
