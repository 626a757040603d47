// SPDX-License-Identifier: Apache-2.0
// Trees of tasks whose results are known, and locks around counters that only their holder may see
// in between.
#include <mutex>
#include <shared_mutex>

#include "scheduler/sync/cond.h"
#include "scheduler/sync/mutex.h"
#include "scheduler/sync/rw_mutex.h"
#include "scheduler/sync/weighted_semaphore.h"
#include "tests/host/soak/soak.h"

namespace weft::soak {
namespace {

// How many nodes a tree of this depth has, counted by as many tasks.
std::uint64_t count_tree(Soak& soak, std::uint32_t depth) {
  if (depth == 0) return 1;
  soak.pause();
  auto left = spawn([&soak, depth] { return count_tree(soak, depth - 1); });
  auto right = spawn([&soak, depth] { return count_tree(soak, depth - 1); });
  soak.pause();
  return 1 + left.join() + right.join();
}

// In several Gs at once only if the lock is broken.
class Alone {
 public:
  Alone(Soak& soak, int& inside) : inside_(inside) {
    soak.check(++inside_ == 1, "a lock lets one in at a time");
  }
  ~Alone() { --inside_; }
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;

 private:
  int& inside_;
};

struct Locks {
  Soak& soak;
  mutex one{};
  rw_mutex many{};
  semaphore five{5};
  mutex store{};
  cond full{};
  int inside_one = 0;
  int writers = 0;
  int readers = 0;
  std::int64_t units = 0;
  std::int64_t produced = 0;
  std::int64_t consumed = 0;
  std::uint64_t taken = 0;

  void use_mutex() {
    const std::lock_guard lock(one);
    const Alone alone(soak, inside_one);
    ++taken;
    soak.pause();
  }

  void read() {
    const std::shared_lock lock(many);
    struct Reading {
      int& readers;
      ~Reading() { --readers; }
    } reading{++readers};
    soak.check(writers == 0, "nobody writes while somebody reads");
    ++taken;
    soak.pause();
  }

  void write() {
    const std::lock_guard lock(many);
    const Alone alone(soak, writers);
    soak.check(readers == 0, "nobody reads while somebody writes");
    ++taken;
    soak.pause();
  }

  void use_units() {
    const std::int64_t n = 1 + soak.below(5);
    const semaphore::Hold hold(five, n);
    struct Using {
      std::int64_t& units;
      std::int64_t n;
      ~Using() { units -= n; }
    } in_use{units += n, n};
    soak.check(units <= 5, "a semaphore gives out what it has");
    ++taken;
    soak.pause();
  }

  void use_any() {
    switch (soak.below(4)) {
      case 0:
        return use_mutex();
      case 1:
        return read();
      case 2:
        return soak.one_in(4) ? write() : read();
      default:
        return use_units();
    }
  }

  void produce() {
    const std::lock_guard lock(store);
    ++produced;
    full.signal();
  }

  void consume() {
    const std::lock_guard lock(store);
    full.wait(store, [this] { return produced > consumed; });
    ++consumed;
  }
};

}  // namespace

std::uint64_t tasks(Soak& soak) {
  std::uint64_t joined = 0;
  wait_group all;
  for (int i = 0; i < 3; ++i) {
    all.go([&] {
      while (!soak.over()) {
        const std::uint32_t depth = soak.below(6);
        const std::uint64_t nodes = (std::uint64_t{2} << depth) - 1;
        soak.check(count_tree(soak, depth) == nodes, "every task of a tree was counted");
        joined += nodes;
      }
    });
  }
  all.go([&] { soak.start_and_kill([&soak] { count_tree(soak, 3); }); });
  all.wait();
  return joined;
}

std::uint64_t locks(Soak& soak) {
  Locks shared{soak};
  wait_group all;
  for (int i = 0; i < 8; ++i) {
    all.go([&] {
      while (!soak.over()) shared.use_any();
    });
  }
  for (int i = 0; i < 3; ++i) {
    all.go([&] {
      soak.start_and_kill([&] {
        while (!soak.over()) shared.use_any();
      });
    });
  }
  all.go([&] {
    while (!soak.over()) shared.consume();
  });
  all.go([&] {
    // The last one wakes a consumer that may still wait when the time is over.
    for (bool last = false; !last;) {
      last = soak.over();
      shared.produce();
      soak.pause();
    }
  });
  all.wait();
  soak.check(shared.inside_one == 0 && shared.readers == 0 && shared.writers == 0,
             "everybody has left");
  soak.check(!shared.one.locked(), "the mutex is free");
  soak.check(shared.units == 0 && shared.five.try_acquire(5), "the semaphore has all back");
  soak.check(shared.consumed > 0 && shared.consumed <= shared.produced, "no signal was invented");
  return shared.taken;
}

}  // namespace weft::soak
