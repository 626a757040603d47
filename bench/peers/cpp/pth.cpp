// SPDX-License-Identifier: Apache-2.0
// The GNU Pth peer: C threads of one process with a scheduler thread of their own, chosen by
// priority. Its yields go through that scheduler, which also looks at what threads wait for.
#include <pth.h>

#include "bench/peers/cpp/peer.h"

namespace peer {
namespace {

bool done = false;
std::int64_t made = 0;

pth_t start(void* (*body)(void*), void* argument = nullptr) {
  pth_t thread = pth_spawn(PTH_ATTR_DEFAULT, body, argument);
  if (thread == nullptr) std::abort();
  return thread;
}

void* yield_on(void*) {
  while (!done) {
    ++made;
    pth_yield(nullptr);
  }
  return nullptr;
}

void* count_one(void*) {
  ++made;
  return nullptr;
}

void* give_one(void* result) {
  *static_cast<std::int64_t*>(result) = 1;
  return result;
}

Sample yields(std::int64_t tasks, std::int64_t n) {
  std::vector<pth_t> others;
  for (std::int64_t i = 1; i < tasks; ++i) others.push_back(start(yield_on));
  pth_yield(nullptr);
  const std::int64_t before = made;
  const auto begin = Clock::now();
  // Pth's order is its own: what is counted is what all have done, not what this one has.
  while (made - before < n) {
    ++made;
    pth_yield(nullptr);
  }
  const Sample sample = ns_since(begin, made - before, made - before);
  done = true;
  for (pth_t other : others) pth_join(other, nullptr);
  done = false;
  return sample;
}

Sample spawn_join_pooled(std::int64_t n) {
  const std::int64_t before = made;
  const auto begin = Clock::now();
  for (std::int64_t i = 0; i < n; ++i) pth_join(start(count_one), nullptr);
  return ns_since(begin, n, made - before);
}

Sample spawn_join(std::int64_t n) {
  std::int64_t sum = 0;
  const auto begin = Clock::now();
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t result = 0;
    void* value = nullptr;
    pth_join(start(give_one, &result), &value);
    sum += *static_cast<std::int64_t*>(value);
  }
  return ns_since(begin, n, sum);
}

pth_mutex_t shared = PTH_MUTEX_INIT;

void* lock_on(void*) {
  while (!done) {
    pth_mutex_acquire(&shared, FALSE, nullptr);
    ++made;
    pth_yield(nullptr);
    pth_mutex_release(&shared);
  }
  return nullptr;
}

Sample mutex_hand_off(std::int64_t n) {
  pth_t other = start(lock_on);
  const std::int64_t before = made;
  const auto begin = Clock::now();
  while (made - before < n) {
    pth_mutex_acquire(&shared, FALSE, nullptr);
    ++made;
    pth_yield(nullptr);
    pth_mutex_release(&shared);
  }
  const Sample sample = ns_since(begin, made - before, made - before);
  done = true;
  pth_join(other, nullptr);
  done = false;
  return sample;
}

pth_mutex_t gate = PTH_MUTEX_INIT;
pth_cond_t opened = PTH_COND_INIT;

void* park(void*) {
  pth_mutex_acquire(&gate, FALSE, nullptr);
  pth_cond_await(&opened, &gate, nullptr);
  pth_mutex_release(&gate);
  ++made;
  return nullptr;
}

Sample parked(std::int64_t tasks, std::int64_t) {
  const std::int64_t before = made;
  const double without = resident_bytes();
  std::vector<pth_t> all;
  for (std::int64_t i = 0; i < tasks; ++i) all.push_back(start(park));
  for (std::int64_t i = 0; i < tasks; ++i) pth_yield(nullptr);
  const double bytes = resident_bytes() - without;
  pth_mutex_acquire(&gate, FALSE, nullptr);
  pth_cond_notify(&opened, TRUE);
  pth_mutex_release(&gate);
  for (pth_t each : all) pth_join(each, nullptr);
  return {bytes, "bytes", tasks, made - before};
}

}  // namespace
}  // namespace peer

int main(int argc, char** argv) {
  using namespace peer;
  if (pth_init() == FALSE) return 1;
  Benchmarks all;
  all.add("yield", {2, 10, 100, 1'000}, yields);
  all.add("spawn_join/pooled", spawn_join_pooled);
  all.add("spawn_join/task", spawn_join);
  all.add("mutex/hand_off", mutex_hand_off);
  all.add("parked", {1'000}, parked);
  const long version = pth_version();
  return all.main(argc, argv, "pth",
                  "GNU Pth " + std::to_string(version >> 20) + "." +
                      std::to_string(version >> 12 & 0xff) + "." + std::to_string(version & 0xff));
}
