// SPDX-License-Identifier: Apache-2.0
// The peer that is Asio with C++20 coroutines: co_spawn, awaitable, channels of its experimental
// part.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "bench/peers/cpp/asio.h"

namespace peer {
namespace {

using asio::use_awaitable;
using Task = asio::awaitable<void>;

template <class F>
void go(F&& f) {
  asio::co_spawn(io(), std::forward<F>(f), asio::detached);
}

// A coroutine's parameters live in its frame; what a lambda captured dies with the lambda.
Task yield_until(const bool& done, std::int64_t& made) {
  while (!done) {
    ++made;
    co_await asio::post(io(), use_awaitable);
  }
}

Task measure_yields(std::int64_t tasks, std::int64_t n, bool& done, std::int64_t& made,
                    Sample& result) {
  co_await asio::post(io(), use_awaitable);
  const std::int64_t before = made;
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < rounds_of(n, tasks); ++i) {
    ++made;
    co_await asio::post(io(), use_awaitable);
  }
  result = ns_since(start, made - before, made - before);
  done = true;
}

Sample yields(std::int64_t tasks, std::int64_t n) {
  bool done = false;
  std::int64_t made = 0;
  Sample result;
  for (std::int64_t i = 1; i < tasks; ++i) go(yield_until(done, made));
  go(measure_yields(tasks, n, done, made, result));
  finish({});
  return result;
}

Task count(std::int64_t& ran) {
  ++ran;
  co_return;
}

Task count_all(std::int64_t n, Sample& result) {
  std::int64_t ran = 0;
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < n; ++i) co_await asio::co_spawn(io(), count(ran), use_awaitable);
  result = ns_since(start, n, ran);
}

Sample spawn_join_pooled(std::int64_t n) {
  Sample result;
  go(count_all(n, result));
  finish({});
  return result;
}

asio::awaitable<std::int64_t> one() {
  co_return 1;
}

Task join_all(std::int64_t n, Sample& result) {
  std::int64_t sum = 0;
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < n; ++i) sum += co_await asio::co_spawn(io(), one(), use_awaitable);
  result = ns_since(start, n, sum);
}

Sample spawn_join(std::int64_t n) {
  Sample result;
  go(join_all(n, result));
  finish({});
  return result;
}

Task echo(Channel& there, Channel& back, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    co_await back.async_send(Error{}, co_await there.async_receive(use_awaitable), use_awaitable);
  }
}

Task send_all(Channel& there, Channel& back, std::int64_t n, Sample& result) {
  std::int64_t sum = 0;
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < n; ++i) {
    co_await there.async_send(Error{}, 1, use_awaitable);
    sum += co_await back.async_receive(use_awaitable);
  }
  result = ns_since(start, n, sum);
}

Sample round_trips(std::int64_t n) {
  Channel there(io());
  Channel back(io());
  Sample result;
  go(echo(there, back, n));
  go(send_all(there, back, n, result));
  finish({});
  return result;
}

// Asio's users take a channel of one element for a mutex: the task that has the element has the
// lock.
Task lock_and_yield(Channel& mutex, std::int64_t& locks, std::int64_t n) {
  for (bool more = true; more;) {
    co_await mutex.async_receive(use_awaitable);
    more = locks < n;
    if (more) {
      ++locks;
      co_await asio::post(io(), use_awaitable);
    }
    co_await mutex.async_send(Error{}, 1, use_awaitable);
  }
}

Sample mutex_hand_offs(std::int64_t n) {
  Channel mutex(io(), 1);
  mutex.try_send(Error{}, 1);
  std::int64_t locks = 0;
  const auto start = Clock::now();
  go(lock_and_yield(mutex, locks, n));
  go(lock_and_yield(mutex, locks, n));
  finish({});
  return ns_since(start, locks, locks);
}

Task arm_and_cancel(std::int64_t n, std::int64_t& canceled) {
  asio::steady_timer timer(io());
  for (std::int64_t i = 0; i < n; ++i) {
    timer.expires_after(std::chrono::seconds(5'000));
    timer.async_wait([&](const Error& error) { canceled += error ? 1 : 0; });
    timer.cancel();
    co_await asio::post(io(), use_awaitable);  // The handler runs.
  }
}

Sample arm_cancel(std::int64_t others, std::int64_t n) {
  auto armed = armed_timers(others);
  std::int64_t canceled = 0;
  const auto start = Clock::now();
  Sample result;
  asio::co_spawn(io(), arm_and_cancel(n, canceled), [&](const std::exception_ptr&) {
    result = ns_since(start, n, canceled);
    armed.clear();
  });
  finish({});
  return result;
}

Task sleep_often(std::int64_t times, std::int64_t& slept) {
  asio::steady_timer timer(io());
  for (std::int64_t i = 0; i < times; ++i) {
    timer.expires_after(std::chrono::milliseconds(1));
    co_await timer.async_wait(use_awaitable);
    ++slept;
  }
}

Sample sleepers(std::int64_t tasks, std::int64_t n) {
  const std::int64_t each = rounds_of(n, tasks);
  std::int64_t slept = 0;
  const double start = cpu_ns();
  for (std::int64_t i = 0; i < tasks; ++i) go(sleep_often(each, slept));
  finish({});
  return cpu_since(start, tasks * each, slept);
}

Task skynet(Channel& up, std::int64_t number, std::int64_t leaves) {
  if (leaves == 1) {
    co_await up.async_send(Error{}, number, use_awaitable);
    co_return;
  }
  Channel down(io(), 10);
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < 10; ++i) go(skynet(down, number + i * leaves / 10, leaves / 10));
  for (std::int64_t i = 0; i < 10; ++i) sum += co_await down.async_receive(use_awaitable);
  co_await up.async_send(Error{}, sum, use_awaitable);
}

Sample skynets(std::int64_t leaves, std::int64_t n) {
  const std::int64_t rounds = rounds_of(n, leaves);
  std::int64_t sum = 0;
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < rounds; ++i) {
    Channel up(io());
    go(skynet(up, 0, leaves));
    up.async_receive([&](const Error&, std::int64_t value) { sum += value; });
    finish({});
  }
  return ns_since(start, rounds * leaves, sum);
}

Task wait_for(asio::steady_timer& wake, std::int64_t& ended) {
  Error canceled;
  co_await wake.async_wait(asio::redirect_error(use_awaitable, canceled));
  ++ended;
}

Sample parked(std::int64_t tasks, std::int64_t) {
  asio::steady_timer wake(io(), std::chrono::hours(1));
  std::int64_t ended = 0;
  const double before = resident_bytes();
  for (std::int64_t i = 0; i < tasks; ++i) go(wait_for(wake, ended));
  io().poll();
  const double bytes = resident_bytes() - before;
  wake.cancel();
  finish({});
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
  all.add("timer/arm_cancel", {1'000}, arm_cancel);
  all.add("sleepers", {1'000, 100'000}, sleepers);
  all.add("skynet", {100'000, 1'000'000}, skynets);
  all.add("parked", {1'000, 100'000}, parked);
  return all.main(argc, argv, "asio-awaitable", version() + ", awaitable");
}
