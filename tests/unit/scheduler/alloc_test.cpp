// SPDX-License-Identifier: Apache-2.0
// What the primitives promise about memory: after set-up they allocate nothing. A program of its
// own, because it replaces operator new with one that counts.
#include <doctest/doctest.h>

#include <cstdlib>
#include <mutex>
#include <new>
#include <shared_mutex>

#include "scheduler/sync/cond.h"
#include "scheduler/sync/context.h"
#include "scheduler/sync/rw_mutex.h"
#include "scheduler/sync/select.h"
#include "scheduler/sync/task.h"
#include "scheduler/sync/ticker.h"
#include "scheduler/sync/wait_group.h"
#include "scheduler/sync/weighted_semaphore.h"
#include "tests/unit/world.h"

using namespace weft;
using weft::test::World;

namespace {
std::size_t allocations = 0;
}

// Not inlined: GCC would see a free() of what a new-expression gave, and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new[](std::size_t size) {
  return operator new(size);
}
[[gnu::noinline]] void operator delete[](void* p) noexcept {
  std::free(p);
}
[[gnu::noinline]] void operator delete[](void* p, std::size_t) noexcept {
  std::free(p);
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
  std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}

namespace {

// Runs two Gs that do f(0) and f(1) at the same time, first to warm up and then to count. Returns
// the allocations of the second time.
template <class F>
std::size_t count_allocations(F f) {
  std::size_t counted = 0;
  World w;
  auto main = [&] {
    for (int round = 0; round < 2; ++round) {
      const std::size_t before = allocations;
      wait_group both;
      both.go([&] { f(0); });
      both.go([&] { f(1); });
      both.wait();
      counted = allocations - before;
    }
  };
  w.go("main", main);
  w.run();
  CHECK(w.result.end == RunEnd::finished);
  return counted;
}

}  // namespace

TEST_CASE("the counter counts") {
  CHECK(count_allocations([](int) {
          int* volatile p = new int;  // Else the compiler may leave out both.
          delete p;
        }) == 2);
}

TEST_CASE("spawning a G whose stack is pooled, and waiting for it, allocates nothing") {
  CHECK(count_allocations([](int) {
          wait_group wg;
          for (int i = 0; i < 3; ++i) wg.go([] { yield(); });
          wg.wait();
        }) == 0);
}

TEST_CASE("channel operations allocate nothing, buffered or not, waiting or not") {
  for (std::size_t capacity : {0, 3}) {
    auto c = make_chan<int>(capacity);
    CHECK(count_allocations([&](int side) {
            for (int i = 0; i < 100; ++i) side == 0 ? c.send(i) : (void)c.recv();
          }) == 0);
  }
}

TEST_CASE("a select allocates nothing, with a timeout or without") {
  auto c = make_chan<int>();
  auto d = make_chan<int>();
  CHECK(count_allocations([&](int side) {
          for (int i = 0; i < 100; ++i) {
            if (side == 0) {
              select(on_send(c, i), on_recv(d), on_timeout(milliseconds(1)));
            } else {
              select(on_recv(c), on_recv(d));
            }
          }
        }) == 0);
}

TEST_CASE("locks allocate nothing, contended or not") {
  mutex m;
  rw_mutex rw;
  semaphore s(1);
  CHECK(count_allocations([&](int side) {
          for (int i = 0; i < 50; ++i) {
            {
              std::lock_guard lock(m);
              yield();
            }
            {
              semaphore::Hold hold(s);
              yield();
            }
            if (side == 0) {
              std::unique_lock lock(rw);
              yield();
            } else {
              std::shared_lock lock(rw);
              yield();
            }
          }
        }) == 0);
}

TEST_CASE("waiting for a condition, a tick, a sleep or a cancellation allocates nothing") {
  mutex m;
  cond c;
  CHECK(count_allocations([&](int side) {
          std::unique_lock lock(m);
          if (side == 0) {
            c.wait(lock);
          } else {
            c.broadcast();
          }
          lock.unlock();
          for (int i = 0; i < 10; ++i) sleep_for(milliseconds(1));
        }) == 0);
}

TEST_CASE("a task takes the place of one that has ended, and allocates nothing") {
#if defined(WEFT_ASAN)
  constexpr std::size_t kExpected = 2;  // base/recycled.h keeps nothing then.
#else
  constexpr std::size_t kExpected = 0;
#endif
  CHECK(count_allocations([](int) { CHECK(spawn([] { return 1; }).join() == 1); }) == kExpected);
}

TEST_CASE("what allocates does so once: a timer's channel, a context, its done channel") {
  const auto per_side = [](auto f) { return count_allocations([&](int) { f(); }) / 2; };
  CHECK(per_side([] { (void)after(milliseconds(1)).recv(); }) == 2);  // The channel and its buffer.
  CHECK(per_side([] {
          auto [ctx, cancel] = with_cancel(background());
          cancel();
        }) == 1);
  CHECK(per_side([] {
          auto [ctx, cancel] = with_timeout(background(), milliseconds(1));
          (void)ctx.done().recv();
        }) == 2);
}
