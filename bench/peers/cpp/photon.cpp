// SPDX-License-Identifier: Apache-2.0
// The Photon peer: its threads on one vCPU, stacks of weft's size from its own pool.
// bench/compare --photon DIR builds it with the library that was built in DIR.
#include <photon/common/alog.h>
#include <photon/photon.h>
#include <photon/thread/thread.h>

#include <vector>

#include "bench/peers/cpp/peer.h"

namespace peer {
namespace {

constexpr std::uint64_t kStackBytes = 64 * 1024;

// A thread that calls f(), which lives longer than it.
template <class F>
photon::thread* go(F& f) {
  const auto start = [](void* function) -> void* {
    (*static_cast<F*>(function))();
    return nullptr;
  };
  return photon::thread_create(start, &f, kStackBytes);
}

template <class F>
photon::join_handle* go_joinable(F& f) {
  return photon::thread_enable_join(go(f));
}

Sample yields(std::int64_t tasks, std::int64_t n) {
  bool done = false;
  std::int64_t made = 0;
  auto yield_on = [&] {
    while (!done) {
      ++made;
      photon::thread_yield();
    }
  };
  std::vector<photon::join_handle*> others;
  for (std::int64_t i = 1; i < tasks; ++i) others.push_back(go_joinable(yield_on));
  photon::thread_yield();
  const std::int64_t before = made;
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < rounds_of(n, tasks); ++i) {
    ++made;
    photon::thread_yield();
  }
  const Sample sample = ns_since(start, made - before, made - before);
  done = true;
  for (photon::join_handle* other : others) photon::thread_join(other);
  return sample;
}

Sample spawn_join_pooled(std::int64_t n) {
  std::int64_t ran = 0;
  auto count = [&] { ++ran; };
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < n; ++i) photon::thread_join(go_joinable(count));
  return ns_since(start, n, ran);
}

Sample spawn_join(std::int64_t n) {
  std::int64_t sum = 0;
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t result = 0;
    auto give_one = [&] { result = 1; };
    photon::thread_join(go_joinable(give_one));
    sum += result;
  }
  return ns_since(start, n, sum);
}

Sample mutex_hand_offs(std::int64_t n) {
  photon::mutex mutex;
  std::int64_t locks = 0;
  auto work = [&] {
    for (;;) {
      mutex.lock();
      const bool done = locks >= n;
      if (!done) {
        ++locks;
        photon::thread_yield();
      }
      mutex.unlock();
      if (done) return;
    }
  };
  const auto start = Clock::now();
  photon::join_handle* one = go_joinable(work);
  photon::join_handle* other = go_joinable(work);
  photon::thread_join(one);
  photon::thread_join(other);
  return ns_since(start, locks, locks);
}

Sample sleepers(std::int64_t tasks, std::int64_t n) {
  const std::int64_t each = rounds_of(n, tasks);
  std::int64_t slept = 0;
  auto sleep_on = [&] {
    for (std::int64_t k = 0; k < each; ++k) {
      photon::thread_usleep(1'000);
      ++slept;
    }
  };
  const double start = cpu_ns();
  std::vector<photon::join_handle*> all;
  for (std::int64_t i = 0; i < tasks; ++i) all.push_back(go_joinable(sleep_on));
  for (photon::join_handle* task : all) photon::thread_join(task);
  return cpu_since(start, tasks * each, slept);
}

Sample parked(std::int64_t tasks, std::int64_t) {
  photon::semaphore woken;
  std::int64_t ended = 0;
  auto wait = [&] {
    woken.wait(1);
    ++ended;
  };
  const double before = resident_bytes();
  std::vector<photon::join_handle*> all;
  for (std::int64_t i = 0; i < tasks; ++i) all.push_back(go_joinable(wait));
  photon::thread_yield();
  const double bytes = resident_bytes() - before;
  woken.signal(static_cast<std::uint64_t>(tasks));
  for (photon::join_handle* task : all) photon::thread_join(task);
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
  all.add("mutex/hand_off", mutex_hand_offs);
  all.add("sleepers", {1'000, 100'000}, sleepers);
  all.add("parked", {1'000, 100'000}, parked);
  default_logger.log_output = log_output_null;  // It logs to stdout.
  photon::PhotonOptions options;
  options.use_pooled_stack_allocator = photon::STACK_ALLOCATOR_POOLED;
  if (photon::init(photon::INIT_EVENT_EPOLL, photon::INIT_IO_NONE, options) != 0) return 71;
  return all.main(argc, argv, "photon", PEER_VERSION);
}
