// SPDX-License-Identifier: Apache-2.0
// The peer that is Asio with stackful coroutines: spawn and yield_context, on Boost.Context.
#include <boost/asio/detached.hpp>
#include <boost/asio/spawn.hpp>

#include "bench/peers/cpp/asio.h"

namespace peer {
namespace {

using Yield = asio::yield_context;

template <class F>
void go(F&& f) {
  asio::spawn(io(), std::forward<F>(f), asio::detached);
}

Sample yields(std::int64_t tasks, std::int64_t n) {
  bool done = false;
  std::int64_t made = 0;
  Sample result;
  for (std::int64_t i = 1; i < tasks; ++i) {
    go([&](const Yield& yield) {
      while (!done) {
        ++made;
        asio::post(io(), yield);
      }
    });
  }
  go([&](const Yield& yield) {
    asio::post(io(), yield);
    const std::int64_t before = made;
    const auto start = Clock::now();
    for (std::int64_t i = 0; i < rounds_of(n, tasks); ++i) {
      ++made;
      asio::post(io(), yield);
    }
    result = ns_since(start, made - before, made - before);
    done = true;
  });
  finish({});
  return result;
}

// By a channel, whether the result matters or only that there is one: in Boost 1.81 a spawn that
// another coroutine waits for ends in a crash.
Sample spawn_join(std::int64_t n) {
  Sample result;
  go([&](const Yield& yield) {
    std::int64_t sum = 0;
    const auto start = Clock::now();
    Channel results(io());
    for (std::int64_t i = 0; i < n; ++i) {
      go([&](const Yield& own) { results.async_send(Error{}, 1, own); });
      sum += results.async_receive(yield);
    }
    result = ns_since(start, n, sum);
  });
  finish({});
  return result;
}

Sample round_trips(std::int64_t n) {
  Channel there(io());
  Channel back(io());
  Sample result;
  go([&](const Yield& yield) {
    for (std::int64_t i = 0; i < n; ++i) {
      back.async_send(Error{}, there.async_receive(yield), yield);
    }
  });
  go([&](const Yield& yield) {
    std::int64_t sum = 0;
    const auto start = Clock::now();
    for (std::int64_t i = 0; i < n; ++i) {
      there.async_send(Error{}, 1, yield);
      sum += back.async_receive(yield);
    }
    result = ns_since(start, n, sum);
  });
  finish({});
  return result;
}

// Asio's users take a channel of one element for a mutex: the task that has the element has the
// lock.
Sample mutex_hand_offs(std::int64_t n) {
  Channel mutex(io(), 1);
  mutex.try_send(Error{}, 1);
  std::int64_t locks = 0;
  const auto work = [&](const Yield& yield) {
    for (bool more = true; more;) {
      mutex.async_receive(yield);
      more = locks < n;
      if (more) {
        ++locks;
        asio::post(io(), yield);
      }
      mutex.async_send(Error{}, 1, yield);
    }
  };
  const auto start = Clock::now();
  go(work);
  go(work);
  finish({});
  return ns_since(start, locks, locks);
}

Sample arm_cancel(std::int64_t others, std::int64_t n) {
  auto armed = armed_timers(others);
  Sample result;
  go([&](const Yield& yield) {
    std::int64_t canceled = 0;
    asio::steady_timer timer(io());
    const auto start = Clock::now();
    for (std::int64_t i = 0; i < n; ++i) {
      timer.expires_after(std::chrono::seconds(5'000));
      timer.async_wait([&](const Error& error) { canceled += error ? 1 : 0; });
      timer.cancel();
      asio::post(io(), yield);  // The handler runs.
    }
    result = ns_since(start, n, canceled);
    armed.clear();
  });
  finish({});
  return result;
}

Sample sleepers(std::int64_t tasks, std::int64_t n) {
  const std::int64_t each = rounds_of(n, tasks);
  std::int64_t slept = 0;
  const double start = cpu_ns();
  for (std::int64_t i = 0; i < tasks; ++i) {
    go([&](const Yield& yield) {
      asio::steady_timer timer(io());
      for (std::int64_t k = 0; k < each; ++k) {
        timer.expires_after(std::chrono::milliseconds(1));
        timer.async_wait(yield);
        ++slept;
      }
    });
  }
  finish({});
  return cpu_since(start, tasks * each, slept);
}

void skynet(Channel& up, std::int64_t number, std::int64_t leaves, const Yield& yield) {
  if (leaves == 1) {
    up.async_send(Error{}, number, yield);
    return;
  }
  Channel down(io(), 10);
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < 10; ++i) {
    go([&down, number, leaves, i](const Yield& own) {
      skynet(down, number + i * leaves / 10, leaves / 10, own);
    });
  }
  for (std::int64_t i = 0; i < 10; ++i) sum += down.async_receive(yield);
  up.async_send(Error{}, sum, yield);
}

Sample skynets(std::int64_t leaves, std::int64_t n) {
  const std::int64_t rounds = rounds_of(n, leaves);
  std::int64_t sum = 0;
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < rounds; ++i) {
    Channel up(io());
    go([&](const Yield& yield) { skynet(up, 0, leaves, yield); });
    up.async_receive([&](const Error&, std::int64_t value) { sum += value; });
    finish({});
  }
  return ns_since(start, rounds * leaves, sum);
}

Sample parked(std::int64_t tasks, std::int64_t) {
  asio::steady_timer wake(io(), std::chrono::hours(1));
  std::int64_t ended = 0;
  const double before = resident_bytes();
  for (std::int64_t i = 0; i < tasks; ++i) {
    go([&](const Yield& yield) {
      Error canceled;
      wake.async_wait(yield[canceled]);
      ++ended;
    });
  }
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
  all.add("spawn_join/pooled", spawn_join);
  all.add("spawn_join/task", spawn_join);
  all.add("chan/round_trip/0", round_trips);
  all.add("mutex/hand_off", mutex_hand_offs);
  all.add("timer/arm_cancel", {1'000}, arm_cancel);
  all.add("sleepers", {1'000, 100'000}, sleepers);
  all.add("skynet", {100'000}, skynets);
  all.add("parked", {1'000, 100'000}, parked);
  return all.main(argc, argv, "asio-spawn", version() + ", spawn");
}
