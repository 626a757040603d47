// SPDX-License-Identifier: Apache-2.0
#include "scheduler/sync/select.h"

#include "scheduler/sync/ticker.h"
#include "scheduler/sync/wait_group.h"
#include "tests/go_conformance/conformance.h"

using namespace conformance;

namespace {

// Whether each of the counts is within a tenth of the mean.
template <class... Counts>
bool even(Counts... counts) {
  const int mean = (counts + ...) / static_cast<int>(sizeof...(counts));
  return ((counts >= mean * 9 / 10 && counts <= mean * 11 / 10) && ...);
}

auto saying(const char* word) {
  return [word](std::optional<int> v) { say(word, v.value_or(0)); };
}

}  // namespace

CASE(select_does_the_one_that_is_ready) {
  auto a = make_chan<int>(1);
  auto b = make_chan<int>(1);
  b.send(2);
  select(on_recv(a, saying("a")), on_recv(b, saying("b")));
  select(on_recv(b, saying("b")), on_send(a, 3, [&] { say("sent", a.len()); }));
}

CASE(select_default_and_nil) {
  chan<int> none;
  auto c = make_chan<int>();
  for (int i = 0; i < 3; ++i) {
    select(on_recv(c, saying("c")), on_recv(none, saying("nil receive")),
           on_send(none, 1, [] { say("nil send"); }), otherwise([] { say("default"); }));
  }
}

CASE(select_closed_is_ready) {
  auto c = make_chan<int>();
  auto d = make_chan<int>();
  c.close();
  select(on_recv(c, [](std::optional<int> v) { say(v.value_or(0), v.has_value()); }),
         on_recv(d, saying("d")));
}

CASE(select_odds_are_even) {
  auto c = make_chan<int>();
  auto d = make_chan<int>();
  auto e = make_chan<int>();
  c.close();
  d.close();
  e.close();
  int n[3] = {};
  for (int i = 0; i < 30000; ++i) ++n[select(on_recv(c), on_recv(d), on_recv(e))];
  say(even(n[0], n[1], n[2]));
}

CASE(select_odds_are_even_among_those_ready) {
  auto a = make_chan<int>();
  auto c = make_chan<int>();
  auto d = make_chan<int>(1);
  chan<int> none;
  c.close();
  int n[4] = {};
  for (int i = 0; i < 30000; ++i) {
    ++n[select(on_recv(a), on_recv(none), on_recv(c), on_send(d, 1, [&] { (void)d.recv(); }))];
  }
  say(n[0], n[1], even(n[2], n[3]));
}

CASE(select_one_channel_in_two_cases) {
  auto c = make_chan<int>(1);
  int n[2] = {};
  for (int i = 0; i < 20000; ++i) {
    c.send(i);
    ++n[select(on_recv(c), on_recv(c))];
  }
  say(even(n[0], n[1]));
}

CASE(select_waits_for_the_first) {
  auto a = make_chan<int>();
  auto b = make_chan<int>();
  wait_group wg;
  wg.add(1);
  start([&] {
    for (int i = 0; i < 3; ++i) {
      select(on_recv(a, [](std::optional<int> v) { say("a", v.value_or(0), v.has_value()); }),
             on_send(b, 9, [] { say("b sent"); }));
    }
    wg.done();
  });
  a.send(1);
  settle();
  const int v = *b.recv();
  settle();
  say("got", v);
  a.close();
  wg.wait();
}

CASE(select_waits_in_line) {
  auto c = make_chan<int>();
  auto d = make_chan<int>();
  int got[3] = {};
  start([&] { got[0] = *c.recv(); });
  start([&] { select(on_recv(c, [&](std::optional<int> v) { got[1] = *v; }), on_recv(d)); });
  start([&] { got[2] = *c.recv(); });
  for (int i = 1; i <= 3; ++i) c.send(i);
  settle();
  say(got[0], got[1], got[2]);
}

CASE(select_loser_has_left_the_line) {
  auto c = make_chan<int>();
  auto d = make_chan<int>();
  start([&] { select(on_recv(c, saying("c")), on_recv(d, saying("d"))); });
  d.send(1);
  select(on_send(c, 2, [] { say("somebody took it"); }), otherwise([] { say("nobody there"); }));
  settle();
}

CASE(select_two_meet) {
  auto a = make_chan<int>();
  auto b = make_chan<int>();
  auto done = make_chan<bool>();
  start([&] {
    select(on_send(a, 1), on_recv(b, [](std::optional<int> v) { say(v == 2); }));
    done.send(true);
  });
  start([&] {
    select(on_recv(a, [](std::optional<int> v) { say(v == 1); }), on_send(b, 2));
    done.send(true);
  });
  (void)done.recv();
  (void)done.recv();
}

CASE(select_send_on_closed_panics) {
  auto c = make_chan<int>();
  auto d = make_chan<int>();
  start([&] { say(caught([&] { select(on_send(c, 1), on_recv(d)); })); });
  c.close();
  settle();
  say(caught([&] { select(on_send(c, 1), otherwise()); }));
}

CASE(select_timeout) {
  auto c = make_chan<int>();
  select(on_recv(c, saying("c")),
         on_recv(after(milliseconds(5)), [](std::optional<Instant>) { say("timeout"); }));
  (void)go([c]() mutable {
    sleep_for(milliseconds(5));
    c.send(1);
  });
  select(on_recv(c, saying("c")), on_timeout(seconds(10), [] { say("timeout"); }));
}

CASE(select_closed_wakes_with_plain_receivers) {
  auto c = make_chan<int>();
  auto d = make_chan<int>();
  start([&] {
    (void)c.recv();
    say(0);
  });
  start([&] {
    select(on_recv(c), on_recv(d));
    say(1);
  });
  start([&] {
    (void)c.recv();
    say(2);
  });
  c.close();
  settle();
}
