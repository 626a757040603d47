// SPDX-License-Identifier: Apache-2.0
// The peer that is the kernel: OS threads on one processor, sched_yield, a mutex and a condition
// variable.
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "bench/peers/cpp/peer.h"

namespace peer {
namespace {

// A place for one value, as a channel without a buffer: send returns when the value was taken.
class HandOver {
 public:
  void send(std::int64_t value) {
    std::unique_lock lock(mutex_);
    value_ = value;
    full_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !full_; });
  }
  std::int64_t recv() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return full_; });
    full_ = false;
    changed_.notify_all();
    return value_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::int64_t value_ = 0;
  bool full_ = false;
};

Sample yields(std::int64_t tasks, std::int64_t n) {
  std::atomic<bool> done = false;
  std::atomic<std::int64_t> made = 0;
  std::vector<std::thread> others;
  for (std::int64_t i = 1; i < tasks; ++i) {
    others.emplace_back([&] {
      while (!done) {
        ++made;
        sched_yield();
      }
    });
  }
  sched_yield();
  const std::int64_t before = made;
  const auto start = Clock::now();
  while (made - before < n) {
    ++made;
    sched_yield();
  }
  const std::int64_t counted = made - before;
  const Sample sample = ns_since(start, counted, counted);
  done = true;
  for (std::thread& other : others) other.join();
  return sample;
}

Sample spawn_join_pooled(std::int64_t n) {
  std::int64_t ran = 0;
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < n; ++i) std::thread([&] { ++ran; }).join();
  return ns_since(start, n, ran);
}

Sample spawn_join(std::int64_t n) {
  std::int64_t sum = 0;
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t result = 0;
    std::thread([&] { result = 1; }).join();
    sum += result;
  }
  return ns_since(start, n, sum);
}

Sample round_trips(std::int64_t n) {
  HandOver there;
  HandOver back;
  std::thread other([&] {
    for (std::int64_t i = 0; i < n; ++i) back.send(there.recv());
  });
  std::int64_t sum = 0;
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < n; ++i) {
    there.send(1);
    sum += back.recv();
  }
  const Sample sample = ns_since(start, n, sum);
  other.join();
  return sample;
}

Sample mutex_hand_offs(std::int64_t n) {
  std::mutex mutex;
  std::int64_t locks = 0;
  const auto work = [&] {
    for (;;) {
      const std::lock_guard lock(mutex);
      if (locks >= n) return;
      ++locks;
      sched_yield();
    }
  };
  const auto start = Clock::now();
  std::thread one(work);
  std::thread other(work);
  one.join();
  other.join();
  return ns_since(start, locks, locks);
}

Sample sleepers(std::int64_t tasks, std::int64_t n) {
  const std::int64_t each = rounds_of(n, tasks);
  std::atomic<std::int64_t> slept = 0;
  const double start = cpu_ns();
  std::vector<std::thread> all;
  all.reserve(static_cast<std::size_t>(tasks));
  for (std::int64_t i = 0; i < tasks; ++i) {
    all.emplace_back([&] {
      for (std::int64_t k = 0; k < each; ++k) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        ++slept;
      }
    });
  }
  for (std::thread& task : all) task.join();
  return cpu_since(start, tasks * each, slept);
}

Sample parked(std::int64_t tasks, std::int64_t) {
  std::mutex mutex;
  std::condition_variable changed;
  bool wake = false;
  std::int64_t waiting = 0;
  std::int64_t ended = 0;
  const double before = resident_bytes();
  std::vector<std::thread> all;
  all.reserve(static_cast<std::size_t>(tasks));
  for (std::int64_t i = 0; i < tasks; ++i) {
    all.emplace_back([&] {
      std::unique_lock lock(mutex);
      ++waiting;
      changed.notify_all();
      changed.wait(lock, [&] { return wake; });
      ++ended;
    });
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return waiting == tasks; });
  const double bytes = resident_bytes() - before;
  wake = true;
  changed.notify_all();
  lock.unlock();
  for (std::thread& task : all) task.join();
  return {bytes, "bytes", tasks, ended};
}

void stay_on_this_processor() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(sched_getcpu()), &one);
  if (sched_setaffinity(0, sizeof(one), &one) != 0) {
    std::fprintf(stderr, "peer-threads: can't stay on one processor: threads run in parallel\n");
  }
}

}  // namespace
}  // namespace peer

int main(int argc, char** argv) {
  using namespace peer;
  stay_on_this_processor();
  Benchmarks all;
  all.add("yield", {2, 10, 100, 1'000}, yields);
  all.add("spawn_join/pooled", spawn_join_pooled);
  all.add("spawn_join/task", spawn_join);
  all.add("chan/round_trip/0", round_trips);
  all.add("mutex/hand_off", mutex_hand_offs);
  all.add("sleepers", {1'000}, sleepers);
  all.add("parked", {1'000}, parked);
  return all.main(argc, argv, "threads", "OS threads on one processor, sched_yield");
}
