// SPDX-License-Identifier: Apache-2.0
// preemptM from a signal handler and from a second real thread, a million times each: no request is
// lost and nothing is corrupted. Made to run under ThreadSanitizer too.
//
//   preempt_stress TIMES
//
// Handler: a G raises a signal whose handler preempts the G's own M; the checkpoint behind it must
// switch, every time. Thread: it preempts all Ms in turn, blindly, while Gs start, end, yield,
// sleep on their Ms and check what they keep on their stacks. Handshake: a G waits without a safe
// point until the thread has preempted it, so the request can't have gone to another G; its
// checkpoint must switch.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "os/clocks.h"
#include "os/port/all.h"
#include "os/reactor.h"
#include "scheduler/api.h"

using namespace weft;

namespace {

M* handler_target = nullptr;

void on_signal(int) {
  port::preemptM(handler_target);
}

struct World {
  SystemClock clock;
  Reactor reactor;
  Scheduler scheduler{clock, reactor};
  std::unique_ptr<wasip1::Process> process;
  std::optional<Port> port;

  World() {
    auto made = wasip1::Process::create(reactor, clock, {});
    WEFT_CHECK(made.ok(), "no process");
    process = std::move(*made);
    port.emplace(scheduler, *process);
  }
  template <class F>
  void go(F&& f) {
    WEFT_CHECK(scheduler.spawn(std::forward<F>(f)).ok(), "no G");
  }
};

void must_switch_at_checkpoint() {
  const std::uint64_t before = this_scheduler().switches();
  checkpoint();
  WEFT_CHECK(this_scheduler().switches() > before, "a request to yield was lost");
}

void storm_from_a_handler(long times) {
  World w;
  std::signal(SIGUSR1, &on_signal);
  w.go([&] {
    for (long i = 0; i < times; ++i) {
      handler_target = &w.scheduler.current_m();
      (void)std::raise(SIGUSR1);
      must_switch_at_checkpoint();
    }
  });
  w.go([&] {
    while (w.scheduler.live() > 1) yield();
  });
  w.scheduler.run();
}

// A G that works until it is told to end, and knows what must be on its stack.
void work(const std::atomic<bool>& done, std::atomic<long>& rounds, unsigned seed) {
  std::vector<unsigned> heap(64, seed);
  unsigned stack[64];
  for (unsigned& word : stack) word = seed;
  for (unsigned n = 0; !done.load(); ++n) {
    checkpoint();
    ++rounds;
    if (n % 64 == 0) port::osyield_no_g();
    if (n % 4096 == seed % 4096) port::usleep_no_g(1);
    for (unsigned i = 0; i < 64; ++i) {
      WEFT_CHECK(stack[i] == seed && heap[i] == seed, "a preempted G lost what it kept");
    }
  }
}

void storm_from_a_thread(long times) {
  World w;
  std::atomic<bool> done = false;
  std::vector<M*> ms = {&w.scheduler.current_m()};
  for (int i = 0; i < 3; ++i) {
    ms.push_back(port::newosproc(
        [](void* flag) {
          while (!static_cast<std::atomic<bool>*>(flag)->load()) port::osyield();
        },
        &done));
  }
  std::atomic<long> rounds = 0;
  for (unsigned i = 1; i <= 6; ++i) w.go([&done, &rounds, i] { work(done, rounds, i * 7919); });
  long churned = 0;
  w.go([&] {
    while (!done) {
      w.go([&] { ++churned; });  // Ends at once; its place is used again.
      yield();
    }
  });
  std::thread other([&] {
    // And until the Gs have done something meanwhile: the other thread may be much the faster.
    for (long i = 0; i < times || rounds < times; ++i) {
      port::preemptM(ms[static_cast<std::size_t>(i) % ms.size()]);
    }
    done = true;
    w.reactor.wake();
  });
  const RunResult result = w.scheduler.run();
  other.join();
  WEFT_CHECK(result.end == RunEnd::finished, "the storm left something behind");
  std::printf("thread: at least %ld requests, %llu switches, %ld Gs came and went\n", times,
              static_cast<unsigned long long>(w.scheduler.switches()), churned);
}

void handshakes(long times) {
  World w;
  std::atomic<long> asked = 0;
  std::atomic<long> armed = 0;
  std::atomic<M*> target = nullptr;
  std::thread other([&] {
    for (long i = 1; i <= times; ++i) {
      while (armed.load() < i) std::this_thread::yield();
      port::preemptM(target.load());
      asked = i;
    }
  });
  w.go([&] {
    for (long i = 1; i <= times; ++i) {
      target = &w.scheduler.current_m();
      armed = i;
      while (asked.load() < i) std::this_thread::yield();
      must_switch_at_checkpoint();
    }
  });
  w.go([&] {
    while (w.scheduler.live() > 1) yield();
  });
  w.scheduler.run();
  other.join();
}

}  // namespace

int main(int argc, char** argv) {
  const long times = argc > 1 ? std::atol(argv[1]) : 1'000'000;
  storm_from_a_handler(times);
  std::printf("handler: %ld requests, each obeyed\n", times);
  storm_from_a_thread(times);
  handshakes(times / 50);
  std::printf("handshake: %ld requests, each obeyed\n", times / 50);
  return 0;
}
