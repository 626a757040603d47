// SPDX-License-Identifier: Apache-2.0
// What the operations of docs/library.md cost: each row of its table that no other benchmark is.
#include <mutex>
#include <shared_mutex>
#include <string>

#include "bench/world.h"
#include "scheduler/local.h"
#include "scheduler/sync/cond.h"
#include "scheduler/sync/context.h"
#include "scheduler/sync/mutex.h"
#include "scheduler/sync/once.h"
#include "scheduler/sync/rw_mutex.h"
#include "scheduler/sync/select.h"
#include "scheduler/sync/single_flight.h"
#include "scheduler/sync/ticker.h"
#include "scheduler/sync/wait_group.h"
#include "scheduler/sync/weighted_semaphore.h"

namespace weft::bench {
namespace {

// Measures operation(), which returns 1 when it did what it should, on a G.
template <class F>
void measure(benchmark::State& state, F operation) {
  World world;
  std::int64_t done = 0;
  world.go([&] {
    for (auto _ : state) done += static_cast<std::int64_t>(operation());
  });
  world.scheduler.run();
  report(state, iterations(state), done);
}

void library_make_chan(benchmark::State& state) {
  measure(state, [] { return static_cast<bool>(make_chan<int>()); });
}
BENCHMARK(library_make_chan)->Name("library/make_chan");

void library_send_recv(benchmark::State& state) {
  measure(state, [c = make_chan<int>(1)]() mutable {
    c.send(1);
    return c.recv().value();
  });
}
BENCHMARK(library_send_recv)->Name("library/send_recv_no_wait");

void library_select_ready(benchmark::State& state) {
  auto c = make_chan<int>(1);
  auto never = make_chan<int>();
  measure(state, [c, never]() mutable {
    c.send(1);
    return select(on_recv(never), on_recv(c));
  });
}
BENCHMARK(library_select_ready)->Name("library/select_ready_and_send");

// A select that waits with a deadline, and the G that sends to it.
void library_select_timeout(benchmark::State& state) {
  World world;
  auto c = make_chan<std::int64_t>();
  bool done = false;
  std::int64_t sum = 0;
  world.go([&] {
    while (!done) c.send(1);
  });
  world.go([&] {
    const auto add = [&sum](std::optional<std::int64_t> value) { sum += value.value(); };
    for (auto _ : state) select(on_recv(c, add), on_timeout(seconds(100)));
    done = true;
    (void)c.recv();
  });
  world.scheduler.run();
  report(state, iterations(state), sum);
}
BENCHMARK(library_select_timeout)->Name("library/select_on_timeout");

void library_mutex(benchmark::State& state) {
  mutex m;
  measure(state, [&m] {
    const std::lock_guard lock(m);
    benchmark::ClobberMemory();
    return m.locked();
  });
}
BENCHMARK(library_mutex)->Name("library/mutex_free");

void library_read_lock(benchmark::State& state) {
  rw_mutex m;
  measure(state, [&m] {
    const std::shared_lock lock(m);
    benchmark::ClobberMemory();
    return lock.owns_lock();
  });
}
BENCHMARK(library_read_lock)->Name("library/rw_mutex_free_read");

void library_write_lock(benchmark::State& state) {
  rw_mutex m;
  measure(state, [&m] {
    const std::unique_lock lock(m);
    benchmark::ClobberMemory();
    return lock.owns_lock();
  });
}
BENCHMARK(library_write_lock)->Name("library/rw_mutex_free_write");

void library_semaphore(benchmark::State& state) {
  semaphore s(3);
  measure(state, [&s] {
    s.acquire(2);
    benchmark::ClobberMemory();
    s.release(2);
    return true;
  });
}
BENCHMARK(library_semaphore)->Name("library/semaphore_free");

// A wait that another G ends by a signal: an operation has two switches.
void library_cond(benchmark::State& state) {
  World world;
  mutex m;
  cond changed;
  bool done = false;
  std::int64_t woken = 0;
  world.go([&] {
    const std::lock_guard lock(m);
    while (!done) {
      changed.wait(m);
      ++woken;
    }
  });
  world.go([&] {
    for (auto _ : state) {
      changed.signal();
      yield();
    }
    done = true;
    changed.signal();
  });
  world.scheduler.run();
  report(state, iterations(state), woken - 1);
}
BENCHMARK(library_cond)->Name("library/cond_signal_and_wait");

void library_once(benchmark::State& state) {
  once o;
  int made = 0;
  measure(state, [&] {
    o.call([&] { ++made; });
    benchmark::ClobberMemory();
    return made;
  });
}
BENCHMARK(library_once)->Name("library/once_done");

void library_wait_group(benchmark::State& state) {
  wait_group group;
  measure(state, [&group] {
    int ran = 0;
    group.go([&ran] { ++ran; });
    group.wait();
    return ran;
  });
}
BENCHMARK(library_wait_group)->Name("library/wait_group_go_and_wait");

void library_with_cancel(benchmark::State& state) {
  measure(state, [] {
    const auto [ctx, cancel] = with_cancel(background());
    cancel();
    return ctx.cancelled();
  });
}
BENCHMARK(library_with_cancel)->Name("library/with_cancel_and_cancel");

void library_with_timeout(benchmark::State& state) {
  measure(state, [] {
    const auto [ctx, cancel] = with_timeout(background(), seconds(100));
    cancel();
    return ctx.cancelled();
  });
}
BENCHMARK(library_with_timeout)->Name("library/with_timeout_and_cancel");

void library_after_func(benchmark::State& state) {
  const auto root = with_cancel(background());
  measure(state, [&root] { return after_func(root.ctx, [] {})(); });
}
BENCHMARK(library_after_func)->Name("library/after_func_and_stop");

void library_after(benchmark::State& state) {
  measure(state, [] { return static_cast<bool>(after(seconds(100))); });
}
BENCHMARK(library_after)->Name("library/after_dropped");

void library_single_flight(benchmark::State& state) {
  single_flight<int, int> flights;
  measure(state, [&flights] { return flights.run(7, [] { return 1; }).value; });
}
BENCHMARK(library_single_flight)->Name("library/single_flight_alone");

GLocal<int> counter;

void library_local(benchmark::State& state) {
  measure(state, [] {
    *counter = 1;
    benchmark::ClobberMemory();
    return *counter;
  });
}
BENCHMARK(library_local)->Name("library/local_used_before");

}  // namespace
}  // namespace weft::bench
