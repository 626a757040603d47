// SPDX-License-Identifier: Apache-2.0
#include "scheduler/stack.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>

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

TEST_CASE("ten thousand stacks take a handful of mappings") {
  StackPool pool({.header_bytes = 256});
  for (int i = 0; i < 10'000; ++i) REQUIRE(pool.fresh().ok());
  CHECK(pool.used() == 10'000);
  CHECK(pool.mappings() <= 12);
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
  for (std::uintptr_t i = 1; i <= 60; ++i) queue.push(*g(i));
  for (std::uintptr_t i = 1; i <= 50; ++i) CHECK(&queue.pop() == g(i));
  for (std::uintptr_t i = 61; i <= 100; ++i) queue.push(*g(i));
  queue.reserve(1000);
  CHECK(queue.size() == 50);
  CHECK(&queue.take(3) == g(54));
  for (const std::uintptr_t i : {51, 52, 53, 55, 56}) CHECK(&queue.pop() == g(i));
  CHECK(queue.peek(0) == g(57));
  CHECK(queue.peek(45) == nullptr);
  queue.move_to_end(41);  // 98 of 57 to 100.
  queue.move_to_end(43);  // The last stays where it is.
  for (std::uintptr_t i = 57; i <= 97; ++i) CHECK(&queue.pop() == g(i));
  for (const std::uintptr_t i : {99, 100, 98}) CHECK(&queue.pop() == g(i));
  CHECK(queue.empty());
}
