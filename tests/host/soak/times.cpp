// SPDX-License-Identifier: Apache-2.0
// Sleeps that must not be short, timers that must fire or be stopped and never both, contexts that
// must end all waits for them.
#include "scheduler/sync/context.h"
#include "scheduler/sync/select.h"
#include "scheduler/sync/ticker.h"
#include "tests/host/soak/soak.h"

namespace weft::soak {
namespace {

std::uint64_t sleep_once(Soak& soak) {
  const Instant deadline = now() + soak.at_most_us(3'000);
  sleep_until(deadline);
  soak.check(now() >= deadline, "a sleep is not short");
  return 1;
}

std::uint64_t use_one_shot(Soak& soak) {
  const Instant start = now();
  const Duration wait = soak.at_most_us(2'000);
  one_shot timer(wait);
  if (soak.one_in(2)) {
    const Instant fired = timer.channel().recv().value();
    soak.check(now() >= start + wait && fired >= start + wait, "a timer does not fire early");
    soak.check(!timer.stop(), "a timer that has fired can't be stopped");
  } else {
    sleep_for(soak.at_most_us(2'000));
    timer.stop();
    soak.check(!timer.channel().try_recv().ready, "nothing comes from a timer that was stopped");
    soak.check(!timer.reset(soak.at_most_us(500)), "a stopped timer is not armed");
    timer.channel().recv();
  }
  return 1;
}

std::uint64_t use_ticker(Soak& soak) {
  ticker every(microseconds(500));
  Instant last = Instant::far_past();
  for (int i = 0; i < 3; ++i) {
    const Instant tick = every.channel().recv().value();
    soak.check(tick > last, "ticks come in order");
    last = tick;
    soak.pause();
  }
  every.stop();
  return 3;
}

std::uint64_t use_timers(Soak& soak) {
  switch (soak.below(4)) {
    case 0:
      return use_one_shot(soak);
    case 1:
      return use_ticker(soak);
    case 2:
      after(soak.at_most_us(1'000)).recv();
      return 1;
    default:
      return sleep_once(soak);
  }
}

// A context with children, each with Gs that wait for it; all must have gone on in the end.
std::uint64_t end_a_tree(Soak& soak) {
  auto [root, cancel_root] = with_cancel(background());
  std::vector<CancelContext> children;
  wait_group waiters;
  std::uint64_t ended = 0;
  std::uint64_t called = 0;
  for (int i = 0; i < 3; ++i) {
    children.push_back(with_timeout(root, soak.at_most_us(3'000)));
    const context ctx = children.back().ctx;
    waiters.add(1);
    after_func(ctx, [&] {
      ++called;
      waiters.done();
    });
    for (int k = 0; k < 2; ++k) {
      waiters.go([&ended, ctx] {
        ctx.done().recv();
        ++ended;
      });
    }
  }
  soak.pause();
  if (soak.one_in(2)) children.front().cancel();
  if (soak.one_in(2)) cancel_root();
  waiters.wait();
  soak.check(ended == 6, "everybody who waited for a context went on");
  soak.check(called == 3, "every function ran once its context had ended");
  for (const auto& child : children) soak.check(child.ctx.cancelled(), "a context ended");
  return children.size();
}

}  // namespace

std::uint64_t times(Soak& soak) {
  std::uint64_t done = 0;
  wait_group all;
  for (int i = 0; i < 16; ++i) {
    all.go([&] {
      while (!soak.over()) done += use_timers(soak);
    });
  }
  for (int i = 0; i < 2; ++i) {
    all.go([&] {
      soak.start_and_kill([&soak] {
        while (!soak.over()) use_timers(soak);
      });
    });
  }
  all.wait();
  return done;
}

std::uint64_t contexts(Soak& soak) {
  std::uint64_t done = 0;
  wait_group all;
  for (int i = 0; i < 4; ++i) {
    all.go([&] {
      while (!soak.over()) done += end_a_tree(soak);
    });
  }
  all.wait();
  return done;
}

}  // namespace weft::soak
