// SPDX-License-Identifier: Apache-2.0
#include "scheduler/sync/chan.h"

#include "scheduler/sync/wait_group.h"
#include "tests/go_conformance/conformance.h"

using namespace conformance;

CASE(chan_completing_side_keeps_running) {
  auto c = make_chan<int>();
  start([c]() mutable { say("got", *c.recv()); });
  c.send(1);
  say("sent");
  settle();
}

CASE(chan_receivers_are_served_in_order) {
  auto c = make_chan<int>();
  int got[4] = {};
  for (int i = 0; i < 4; ++i) start([&, i] { got[i] = *c.recv(); });
  for (int i = 0; i < 4; ++i) c.send(i * 10);
  settle();
  say(got[0], got[1], got[2], got[3]);
}

CASE(chan_senders_are_served_in_order) {
  auto c = make_chan<int>();
  for (int i = 0; i < 4; ++i) start([&, i] { c.send(i); });
  const int first = *c.recv();
  const int second = *c.recv();
  const int third = *c.recv();
  say(first, second, third, *c.recv());
}

CASE(chan_full_buffer_takes_senders_in_order) {
  auto c = make_chan<int>(2);
  for (int i = 0; i < 5; ++i) start([&, i] { c.send(i); });
  for (int i = 0; i < 5; ++i) {
    const auto len = c.len();
    say(len, c.cap(), *c.recv());
  }
  say(c.len());
}

CASE(chan_close_drains_the_buffer) {
  auto c = make_chan<int>(3);
  c.send(1);
  c.send(2);
  c.close();
  for (int i = 0; i < 3; ++i) {
    const auto v = c.recv();
    say(v.value_or(0), v.has_value());
  }
}

CASE(chan_close_ends_receivers) {
  auto c = make_chan<int>();
  bool got[3] = {true, true, true};
  for (int i = 0; i < 3; ++i) start([&, i] { got[i] = c.recv().has_value(); });
  c.close();
  settle();
  say(got[0], got[1], got[2]);
}

CASE(chan_close_wakes_receivers_last_first) {
  auto c = make_chan<int>();
  for (int i = 0; i < 4; ++i) {
    start([&, i] {
      (void)c.recv();
      say(i);
    });
  }
  c.close();
  say("closed");
  settle();
}

CASE(chan_close_wakes_senders_last_first) {
  auto c = make_chan<int>();
  for (int i = 0; i < 3; ++i) start([&, i] { say(i, caught([&] { c.send(i); })); });
  c.close();
  settle();
}

CASE(chan_range_ends_at_close) {
  auto c = make_chan<int>();
  start([c]() mutable {
    for (int i = 0; i < 3; ++i) c.send(i);
    c.close();
  });
  for (int v : c) say(v);
  say("end");
}

CASE(chan_ping_pong) {
  auto ping = make_chan<int>();
  auto pong = make_chan<int>();
  (void)go([ping, pong]() mutable {
    for (int v : ping) {
      say("ping", v);
      pong.send(v);
    }
    pong.close();
  });
  for (int i = 0; i < 3; ++i) {
    ping.send(i);
    say("pong", *pong.recv());
  }
  ping.close();
  say(pong.recv().has_value());
}

CASE(chan_producer_and_consumer_of_a_buffer) {
  auto c = make_chan<int>(2);
  wait_group wg;
  wg.add(1);
  start([&] {
    for (int v : c) say("r", v);
    wg.done();
  });
  for (int i = 0; i < 7; ++i) {
    c.send(i);
    say("s", i);
  }
  c.close();
  wg.wait();
}

CASE(chan_pipeline) {
  const auto stage = [](chan<int> in, int (*f)(int)) {
    auto out = make_chan<int>();
    (void)go([in, out, f]() mutable {
      for (int v : in) out.send(f(v));
      out.close();
    });
    return out;
  };
  auto in = make_chan<int>();
  auto out = stage(stage(in, [](int v) { return v * v; }), [](int v) { return v + 1; });
  (void)go([in]() mutable {
    for (int i = 1; i <= 4; ++i) in.send(i);
    in.close();
  });
  for (int v : out) say(v);
}

CASE(chan_prime_sieve) {
  auto source = make_chan<int>();
  (void)go([source]() mutable {
    for (int i = 2;; ++i) source.send(i);
  });
  for (int i = 0; i < 15; ++i) {
    const int prime = *source.recv();
    say(prime);
    auto to = make_chan<int>();
    (void)go([from = source, to, prime]() mutable {
      for (int v : from) {
        if (v % prime != 0) to.send(v);
      }
    });
    source = to;
  }
}

CASE(chan_misuse_panics) {
  chan<int> none;
  say(caught([&] { none.close(); }));
  auto c = make_chan<int>(1);
  c.close();
  say(caught([&] { c.close(); }));
  say(caught([&] { c.send(1); }));
  const int n = -1;
  say(caught([&] { (void)make_chan<int>(static_cast<std::size_t>(n)); }));
}

CASE(go_runs_in_order_of_creation) {
  for (int i = 0; i < 4; ++i) (void)go([i] { say(i); });
  settle();
}

CASE(yield_goes_round) {
  for (int i = 0; i < 3; ++i) {
    (void)go([i] {
      for (int round = 0; round < 3; ++round) {
        say(std::to_string(i) + " / " + std::to_string(round));
        settle();
      }
    });
  }
  for (int i = 0; i < 5; ++i) settle();
}

CASE(readied_goroutines_run_in_order) {
  auto c = make_chan<int>();
  for (int i = 0; i < 4; ++i) start([&, i] { say(i, *c.recv()); });
  for (int i = 0; i < 4; ++i) c.send(i);
  say("sent");
  settle();
}
