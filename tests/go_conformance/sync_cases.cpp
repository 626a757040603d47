// SPDX-License-Identifier: Apache-2.0
#include <deque>
#include <mutex>
#include <stdexcept>

#include "scheduler/sync/chan.h"
#include "scheduler/sync/cond.h"
#include "scheduler/sync/mutex.h"
#include "scheduler/sync/once.h"
#include "scheduler/sync/rw_mutex.h"
#include "scheduler/sync/wait_group.h"
#include "tests/go_conformance/conformance.h"

using namespace conformance;

CASE(mutex_waiters_are_served_in_order) {
  mutex m;
  wait_group wg;
  m.lock();
  for (int i = 0; i < 4; ++i) {
    wg.add(1);
    start([&, i] {
      m.lock();
      say(i);
      m.unlock();
      wg.done();
    });
  }
  m.unlock();
  wg.wait();
}

CASE(mutex_runner_goes_before_the_woken) {
  mutex m;
  m.lock();
  start([&] {
    m.lock();
    say("waiter");
    m.unlock();
  });
  m.unlock();
  m.lock();
  say("runner");
  m.unlock();
  settle();
}

CASE(mutex_starving_waiter_is_handed_the_lock) {
  mutex m;
  m.lock();
  start([&] {
    m.lock();
    say("waiter");
    m.unlock();
  });
  busy(milliseconds(3));
  m.unlock();
  m.lock();
  say("runner was faster");
  settle();
  say(m.try_lock());
  m.unlock();
  m.lock();
  say("runner again");
  m.unlock();
}

CASE(mutex_not_starving_runner_stays_first) {
  mutex m;
  m.lock();
  start([&] {
    m.lock();
    say("waiter");
    m.unlock();
  });
  for (int i = 0; i < 3; ++i) {
    m.unlock();
    m.lock();
    say("runner", i);
  }
  m.unlock();
  settle();
}

CASE(mutex_try_lock) {
  mutex m;
  const bool first = m.try_lock();
  say(first, m.try_lock());
  m.unlock();
  say(m.try_lock());
}

CASE(rw_mutex_waiting_writer_keeps_readers_out) {
  rw_mutex rw;
  rw.lock_shared();
  start([&] {
    rw.lock();
    say("writer");
    rw.unlock();
  });
  const bool read = rw.try_lock_shared();
  say(read, rw.try_lock());
  start([&] {
    rw.lock_shared();
    say("reader");
    rw.unlock_shared();
  });
  say("unlocks");
  rw.unlock_shared();
  settle();
  say(rw.try_lock());
}

CASE(rw_mutex_readers_go_before_the_next_writer) {
  rw_mutex rw;
  wait_group wg;
  int readers = 0;
  rw.lock();
  for (int i = 0; i < 2; ++i) {
    wg.add(1);
    start([&] {
      rw.lock_shared();
      ++readers;
      rw.unlock_shared();
      wg.done();
    });
  }
  wg.add(1);
  start([&] {
    rw.lock();
    say("second writer after", readers);
    rw.unlock();
    wg.done();
  });
  rw.unlock();
  wg.wait();
}

CASE(rw_mutex_readers_run_in_order) {
  rw_mutex rw;
  rw.lock();
  for (int i = 0; i < 4; ++i) {
    start([&, i] {
      rw.lock_shared();
      say(i);
      rw.unlock_shared();
    });
  }
  rw.unlock();
  settle();
}

CASE(rw_mutex_readers_share) {
  rw_mutex rw;
  rw.lock_shared();
  const bool read = rw.try_lock_shared();
  say(read, rw.try_lock());
  rw.unlock_shared();
  rw.unlock_shared();
  const bool write = rw.try_lock();
  say(write, rw.try_lock_shared());
}

CASE(wait_group_waits_for_all) {
  wait_group wg;
  int sum = 0;
  for (int i = 1; i <= 5; ++i) {
    wg.go([&, i] {
      settle();
      sum += i;
    });
  }
  wg.wait();
  say(sum);
  wg.wait();
  say("again");
}

CASE(wait_group_waiters_run_in_order) {
  wait_group wg;
  wg.add(1);
  for (int i = 0; i < 3; ++i) {
    start([&, i] {
      wg.wait();
      say(i);
    });
  }
  wg.done();
  say("done");
  settle();
}

CASE(wait_group_misuse_panics) {
  wait_group wg;
  say(caught([&] { wg.done(); }));
  wait_group again;
  again.add(1);
  start([&] { say(caught([&] { again.wait(); })); });
  again.done();
  again.add(1);
  settle();
}

CASE(cond_signal_wakes_in_order) {
  mutex m;
  cond c;
  for (int i = 0; i < 3; ++i) {
    start([&, i] {
      std::lock_guard lock(m);
      c.wait(m);
      say(i);
    });
  }
  for (int i = 0; i < 3; ++i) {
    c.signal();
    say("signalled");
    settle();
  }
  c.signal();
  say("nobody");
}

CASE(cond_broadcast_wakes_in_order) {
  mutex m;
  cond c;
  for (int i = 0; i < 4; ++i) {
    start([&, i] {
      std::lock_guard lock(m);
      c.wait(m);
      say(i);
    });
  }
  c.broadcast();
  say("broadcast");
  settle();
}

CASE(cond_queue) {
  mutex m;
  cond c;
  std::deque<int> queue;
  auto done = make_chan<bool>();
  (void)go([&] {
    for (int got = 0; got < 5; ++got) {
      std::lock_guard lock(m);
      c.wait(m, [&] { return !queue.empty(); });
      say(queue.front());
      queue.pop_front();
    }
    done.send(true);
  });
  for (int i = 0; i < 5; ++i) {
    {
      std::lock_guard lock(m);
      queue.push_back(i);
    }
    c.signal();
  }
  (void)done.recv();
}

CASE(once_calls_once_and_all_wait) {
  once o;
  bool is_ready = false;
  wait_group wg;
  for (int i = 0; i < 3; ++i) {
    wg.add(1);
    start([&] {
      o.call([&] {
        say("called");
        settle();
        is_ready = true;
      });
      say(is_ready);
      wg.done();
    });
  }
  wg.wait();
}

CASE(once_that_panicked_is_done) {
  once o;
  say(caught([&] { o.call([] { throw std::runtime_error("boom"); }); }));
  say(caught([&] { o.call([] { throw std::runtime_error("again"); }); }));
}
