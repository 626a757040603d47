// SPDX-License-Identifier: Apache-2.0
#include "scheduler/sync/chan.h"
#include "scheduler/sync/context.h"
#include "scheduler/sync/panic.h"
#include "scheduler/sync/select.h"
#include "scheduler/sync/ticker.h"
#include "scheduler/sync/wait_group.h"
#include "tests/go_conformance/conformance.h"

using namespace conformance;

namespace {

constexpr Duration ms = milliseconds(1);

auto saying_when_over(const char* word) {
  return [word](std::optional<Instant>) { say(word); };
}

struct AtEnd {
  std::function<void()> f;
  ~AtEnd() { f(); }
};

ContextKey<std::string> name_key;
ContextKey<int> number_key;

}  // namespace

CASE(sleepers_wake_in_order_of_deadline) {
  wait_group wg;
  for (int d : {60, 20, 40}) {
    wg.go([d] {
      sleep_for(milliseconds(d));
      say(d);
    });
  }
  wg.wait();
}

CASE(sleep_of_nothing_returns_at_once) {
  (void)go([] { say("other"); });
  sleep_for(Duration{});
  sleep_for(milliseconds(-1));
  say("first");
  settle();
}

CASE(timers_fire_in_order_of_deadline) {
  auto late = after(milliseconds(40));
  auto soon = after(milliseconds(20));
  for (int i = 0; i < 2; ++i)
    select(on_recv(late, saying_when_over("late")), on_recv(soon, saying_when_over("soon")));
}

CASE(ticker_drops_what_is_not_taken) {
  ticker t(milliseconds(20));
  sleep_for(milliseconds(110));
  t.stop();
  int taken = 0;
  while (t.channel().try_recv()) ++taken;
  say(taken <= 1);
}

CASE(ticker_ticks_until_it_is_stopped) {
  ticker t(milliseconds(10));
  for (int i = 0; i < 3; ++i) {
    (void)t.channel().recv();
    say("tick", i);
  }
  t.stop();
  select(on_recv(t.channel(), saying_when_over("stale")),
         on_recv(after(milliseconds(40)), saying_when_over("silent")));
}

CASE(timer_stop_and_reset_leave_nothing_stale) {
  one_shot t(ms);
  sleep_for(milliseconds(20));
  t.reset(milliseconds(40));
  select(on_recv(t.channel(), saying_when_over("stale")),
         on_recv(after(milliseconds(10)), saying_when_over("nothing yet")));
  const bool stopped = t.stop();
  say(stopped, t.stop());
  select(on_recv(t.channel(), saying_when_over("stale")), otherwise([] { say("nothing"); }));
}

CASE(ticker_misuse_panics) {
  say(caught([] { ticker t(Duration{}); }));
  ticker t(seconds(3600));
  say(caught([&] { t.reset(nanoseconds(-1)); }));
}

CASE(goexit_runs_what_is_deferred) {
  auto done = make_chan<bool>();
  (void)go([done]() mutable {
    AtEnd close{[&] { done.close(); }};
    AtEnd deferred{[] { say("deferred"); }};
    [] {
      AtEnd inner{[] { say("inner deferred"); }};
      goexit();
    }();
    say("not reached");
  });
  (void)done.recv();
  say("main goes on");
}

CASE(locked_to_a_thread_and_still_in_turn) {
  auto c = make_chan<int>();
  auto done = make_chan<bool>();
  (void)go([c, done]() mutable {
    this_scheduler().lock_os_thread();
    for (int v : c) say("locked got", v);
    this_scheduler().unlock_os_thread();
    done.send(true);
  });
  for (int i = 0; i < 3; ++i) {
    c.send(i);
    settle();
    say("main", i);
  }
  c.close();
  (void)done.recv();
}

CASE(main_returns_and_others_are_dropped) {
  start([] {
    sleep_for(seconds(3600));
    say("not reached");
  });
  say("main");
}

CASE(context_cancel_goes_down_and_not_up) {
  auto [root, cancel_root] = with_cancel(background());
  auto [middle, cancel_middle] = with_cancel(root);
  auto [leaf, cancel_leaf] = with_cancel(middle);
  start([done = leaf.done()]() mutable {
    (void)done.recv();
    say("leaf done");
  });
  cancel_middle();
  cancel_middle();
  settle();
  say(!root.cancelled(), middle.why(), "/", leaf.why());
  auto [late, cancel_late] = with_cancel(leaf);
  (void)late.done().recv();
  say("late", late.why());
  cancel_root();
  cancel_leaf();
  cancel_late();
}

CASE(context_deadline) {
  auto [outer, cancel_outer] = with_timeout(background(), milliseconds(20));
  auto [inner, cancel_inner] = with_timeout(outer, seconds(3600));
  say(outer.deadline() == inner.deadline());
  (void)inner.done().recv();
  say(inner.why());
  cancel_outer();
  cancel_inner();
  say(outer.why());
  auto [past, cancel_past] = with_deadline(background(), now());
  say(past.why());
  cancel_past();
}

CASE(context_after_func) {
  auto [ctx, cancel] = with_cancel(background());
  auto group = make_chan<int>(4);
  const auto stop_first = after_func(ctx, [=]() mutable { group.send(1); });
  const auto stop_second = after_func(ctx, [=]() mutable { group.send(2); });
  say(stop_second());
  say(stop_second());
  cancel();
  say(group.recv().value());
  say(stop_first());
  const auto stop_late = after_func(ctx, [=]() mutable { group.send(3); });
  say(stop_late());
  say(group.recv().value());
  settle();
  say(group.len());
}

CASE(context_values) {
  const context a = with_value(background(), name_key, "alice");
  auto [b, cancel] = with_cancel(with_value(a, number_key, 7));
  const context c = with_value(b, name_key, "bob");
  say(*c.value(name_key), *b.value(name_key), *c.value(number_key), a.value(number_key) == nullptr);
  say(!a.done(), c.done() == b.done());
  cancel();
}

CASE(context_loop_ends_when_cancelled) {
  auto [ctx, cancel] = with_cancel(background());
  auto work = make_chan<int>();
  auto done = make_chan<bool>();
  (void)go([work, done, ctx = ctx]() mutable {
    while (!ctx.cancelled()) {
      select(on_recv(work, [](std::optional<int> v) { say("work", *v); }),
             on_recv(ctx.done(), [&](std::optional<Nothing>) { say("ends:", ctx.why()); }));
    }
    done.send(true);
  });
  for (int i = 0; i < 3; ++i) work.send(i);
  settle();
  cancel();
  (void)done.recv();
}

CASE(context_cancel_wakes_waiters_last_first) {
  auto [ctx, cancel] = with_cancel(background());
  for (int i = 0; i < 3; ++i) {
    start([done = ctx.done(), i]() mutable {
      (void)done.recv();
      say(i);
    });
  }
  cancel();
  settle();
}
