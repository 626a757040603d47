// SPDX-License-Identifier: Apache-2.0
// The Boost.Fiber peer: its own round-robin scheduler, stacks of weft's size from a pool.
#include <boost/fiber/all.hpp>
#include <boost/version.hpp>
#include <vector>

#include "bench/peers/cpp/peer.h"

namespace peer {
namespace {

namespace fibers = boost::fibers;
using Channel = fibers::unbuffered_channel<std::int64_t>;
using Roomy = fibers::buffered_channel<std::int64_t>;

template <class F>
fibers::fiber go(F&& f) {
  static fibers::pooled_fixedsize_stack stacks(64 * 1024);
  return fibers::fiber(std::allocator_arg, stacks, std::forward<F>(f));
}

Sample yields(std::int64_t tasks, std::int64_t n) {
  bool done = false;
  std::int64_t made = 0;
  std::vector<fibers::fiber> others;
  for (std::int64_t i = 1; i < tasks; ++i) {
    others.push_back(go([&] {
      while (!done) {
        ++made;
        boost::this_fiber::yield();
      }
    }));
  }
  boost::this_fiber::yield();
  const std::int64_t before = made;
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < rounds_of(n, tasks); ++i) {
    ++made;
    boost::this_fiber::yield();
  }
  const Sample sample = ns_since(start, made - before, made - before);
  done = true;
  for (fibers::fiber& other : others) other.join();
  return sample;
}

Sample spawn_join_pooled(std::int64_t n) {
  std::int64_t ran = 0;
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < n; ++i) go([&] { ++ran; }).join();
  return ns_since(start, n, ran);
}

Sample spawn_join(std::int64_t n) {
  std::int64_t sum = 0;
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t result = 0;
    go([&] { result = 1; }).join();
    sum += result;
  }
  return ns_since(start, n, sum);
}

Sample round_trips(std::int64_t n) {
  Channel there;
  Channel back;
  fibers::fiber other = go([&] {
    for (const std::int64_t value : there) back.push(value);
  });
  std::int64_t sum = 0;
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < n; ++i) {
    there.push(1);
    sum += back.value_pop();
  }
  const Sample sample = ns_since(start, n, sum);
  there.close();
  other.join();
  return sample;
}

Sample mutex_hand_offs(std::int64_t n) {
  fibers::mutex mutex;
  std::int64_t locks = 0;
  const auto work = [&] {
    for (;;) {
      const std::lock_guard<fibers::mutex> lock(mutex);
      if (locks >= n) return;
      ++locks;
      boost::this_fiber::yield();
    }
  };
  const auto start = Clock::now();
  fibers::fiber one = go(work);
  fibers::fiber other = go(work);
  one.join();
  other.join();
  return ns_since(start, locks, locks);
}

Sample sleepers(std::int64_t tasks, std::int64_t n) {
  const std::int64_t each = rounds_of(n, tasks);
  std::int64_t slept = 0;
  const double start = cpu_ns();
  std::vector<fibers::fiber> all;
  all.reserve(static_cast<std::size_t>(tasks));
  for (std::int64_t i = 0; i < tasks; ++i) {
    all.push_back(go([&] {
      for (std::int64_t k = 0; k < each; ++k) {
        boost::this_fiber::sleep_for(std::chrono::milliseconds(1));
        ++slept;
      }
    }));
  }
  for (fibers::fiber& task : all) task.join();
  return cpu_since(start, tasks * each, slept);
}

void skynet(Roomy& up, std::int64_t number, std::int64_t leaves) {
  if (leaves == 1) {
    up.push(number);
    return;
  }
  Roomy down(16);  // A power of two, of which one place stays empty.
  std::vector<fibers::fiber> children;
  children.reserve(10);
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < 10; ++i) {
    children.push_back(
        go([&down, number, leaves, i] { skynet(down, number + i * leaves / 10, leaves / 10); }));
  }
  for (std::int64_t i = 0; i < 10; ++i) sum += down.value_pop();
  for (fibers::fiber& child : children) child.join();  // They use the channel.
  up.push(sum);
}

Sample skynets(std::int64_t leaves, std::int64_t n) {
  const std::int64_t rounds = rounds_of(n, leaves);
  std::int64_t sum = 0;
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < rounds; ++i) {
    Roomy up(16);
    fibers::fiber root = go([&] { skynet(up, 0, leaves); });
    sum += up.value_pop();
    root.join();
  }
  return ns_since(start, rounds * leaves, sum);
}

Sample parked(std::int64_t tasks, std::int64_t) {
  fibers::mutex mutex;
  fibers::condition_variable woken;
  bool wake = false;
  std::int64_t ended = 0;
  const double before = resident_bytes();
  std::vector<fibers::fiber> all;
  all.reserve(static_cast<std::size_t>(tasks));
  for (std::int64_t i = 0; i < tasks; ++i) {
    all.push_back(go([&] {
      std::unique_lock<fibers::mutex> lock(mutex);
      woken.wait(lock, [&] { return wake; });
      ++ended;
    }));
  }
  boost::this_fiber::yield();
  const double bytes = resident_bytes() - before;
  wake = true;
  woken.notify_all();
  for (fibers::fiber& task : all) task.join();
  return {bytes, "bytes", tasks, ended};
}

}  // namespace
}  // namespace peer

int main(int argc, char** argv) {
  using namespace peer;
  Benchmarks all;
  all.add("yield", {2, 10, 100, 1'000, 10'000, 100'000}, yields);
  all.add("spawn_join/pooled", spawn_join_pooled);
  all.add("spawn_join/task", spawn_join);
  all.add("chan/round_trip/0", round_trips);
  all.add("mutex/hand_off", mutex_hand_offs);
  all.add("sleepers", {1'000, 100'000}, sleepers);
  all.add("skynet", {100'000}, skynets);
  all.add("parked", {1'000, 100'000}, parked);
  return all.main(argc, argv, "boost-fiber", "Boost.Fiber " BOOST_LIB_VERSION);
}
