// SPDX-License-Identifier: Apache-2.0
// The libdill peer: coroutines of C with its own stacks (256 KiB, cached up to 64), bundles for
// joining and unbuffered channels. bench/compare --libdill DIR builds it from DIR's sources.
#define DILL_DISABLE_RAW_NAMES
#include <libdill.h>

#include "bench/peers/cpp/peer.h"

// dill_bundle_go is a macro that saves registers by inline assembly: what it calls must not be
// inlined, and each caller is a function of its own.
#define COROUTINE static __attribute__((noinline)) void

namespace peer {
namespace {

bool done = false;
std::int64_t made = 0;

COROUTINE yield_on() {
  while (!done) {
    ++made;
    if (dill_yield() != 0) return;
  }
}

COROUTINE count_one() {
  ++made;
}

COROUTINE give_one(std::int64_t* result) {
  *result = 1;
}

COROUTINE echo(int there, int back) {
  std::int64_t value = 0;
  while (dill_chrecv(there, &value, sizeof value, -1) == 0) {
    if (dill_chsend(back, &value, sizeof value, -1) != 0) return;
  }
}

COROUTINE sleep_on(std::int64_t times) {
  for (std::int64_t i = 0; i < times; ++i) {
    dill_msleep(dill_now() + 1);
    ++made;
  }
}

COROUTINE park(int gate) {
  char nothing = 0;
  (void)dill_chrecv(gate, &nothing, sizeof nothing, -1);  // Ends when the other side is closed.
  ++made;
}

Sample yields(std::int64_t tasks, std::int64_t n) {
  const int others = dill_bundle();
  for (std::int64_t i = 1; i < tasks; ++i) dill_bundle_go(others, yield_on());
  dill_yield();
  const std::int64_t before = made;
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < rounds_of(n, tasks); ++i) {
    ++made;
    dill_yield();
  }
  const Sample sample = ns_since(start, made - before, made - before);
  done = true;
  dill_bundle_wait(others, -1);
  dill_hclose(others);
  done = false;
  return sample;
}

Sample spawn_join_pooled(std::int64_t n) {
  const std::int64_t before = made;
  const auto start = Clock::now();
  const int all = dill_bundle();
  for (std::int64_t i = 0; i < n; ++i) {
    dill_bundle_go(all, count_one());
    dill_bundle_wait(all, -1);
  }
  dill_hclose(all);
  return ns_since(start, n, made - before);
}

Sample spawn_join(std::int64_t n) {
  std::int64_t sum = 0;
  const auto start = Clock::now();
  const int all = dill_bundle();
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t result = 0;
    dill_bundle_go(all, give_one(&result));
    dill_bundle_wait(all, -1);
    sum += result;
  }
  dill_hclose(all);
  return ns_since(start, n, sum);
}

Sample round_trips(std::int64_t n) {
  int there[2];
  int back[2];
  if (dill_chmake(there) != 0 || dill_chmake(back) != 0) std::abort();
  const int other = dill_bundle();
  dill_bundle_go(other, echo(there[1], back[1]));
  std::int64_t sum = 0;
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t value = 1;
    dill_chsend(there[0], &value, sizeof value, -1);
    dill_chrecv(back[0], &value, sizeof value, -1);
    sum += value;
  }
  const Sample sample = ns_since(start, n, sum);
  dill_chdone(there[0]);
  dill_bundle_wait(other, -1);
  for (const int h : {other, there[0], there[1], back[0], back[1]}) dill_hclose(h);
  return sample;
}

Sample sleepers(std::int64_t tasks, std::int64_t n) {
  const std::int64_t each = rounds_of(n, tasks);
  const std::int64_t before = made;
  const double start = cpu_ns();
  const int all = dill_bundle();
  for (std::int64_t i = 0; i < tasks; ++i) dill_bundle_go(all, sleep_on(each));
  dill_bundle_wait(all, -1);
  dill_hclose(all);
  return cpu_since(start, tasks * each, made - before);
}

Sample parked(std::int64_t tasks, std::int64_t) {
  const std::int64_t before = made;
  int gate[2];
  if (dill_chmake(gate) != 0) std::abort();
  const double without = resident_bytes();
  const int all = dill_bundle();
  for (std::int64_t i = 0; i < tasks; ++i) dill_bundle_go(all, park(gate[1]));
  dill_yield();
  const double bytes = resident_bytes() - without;
  dill_chdone(gate[0]);
  dill_bundle_wait(all, -1);
  dill_hclose(all);
  dill_hclose(gate[0]);
  dill_hclose(gate[1]);
  return {bytes, "bytes", tasks, made - before};
}

}  // namespace
}  // namespace peer

int main(int argc, char** argv) {
  using namespace peer;
  Benchmarks all;
  all.add("yield", {2, 10, 100, 1'000}, yields);
  all.add("spawn_join/pooled", spawn_join_pooled);
  all.add("spawn_join/task", spawn_join);
  all.add("chan/round_trip/0", round_trips);
  all.add("sleepers", {1'000}, sleepers);
  all.add("parked", {1'000}, parked);
  return all.main(argc, argv, "libdill", PEER_VERSION);
}
