// SPDX-License-Identifier: Apache-2.0
// How programs end: the exit code, the first line on stderr and main's wait reason are compared.
#include <mutex>
#include <stdexcept>

#include "scheduler/sync/chan.h"
#include "scheduler/sync/cond.h"
#include "scheduler/sync/rw_mutex.h"
#include "scheduler/sync/select.h"
#include "scheduler/sync/wait_group.h"
#include "tests/go_conformance/conformance.h"

using namespace conformance;

CASE(end_panic_send_on_closed) {
  auto c = make_chan<int>();
  c.close();
  c.send(1);
}

CASE(end_panic_close_of_closed) {
  auto c = make_chan<int>();
  c.close();
  c.close();
}

CASE(end_panic_close_of_nil) {
  chan<int>().close();
}

CASE(end_panic_error) {
  throw std::runtime_error("an error");
}

CASE(end_panic_number) {
  throw 42;
}

CASE(end_panic_elsewhere) {
  (void)go([] { throw std::runtime_error("in a goroutine"); });
  sleep_for(seconds(3600));
}

CASE(end_panic_negative_wait_group) {
  wait_group().done();
}

CASE(end_fatal_unlock) {
  mutex().unlock();
}

CASE(end_fatal_runlock) {
  rw_mutex().unlock_shared();
}

CASE(end_fatal_rw_unlock) {
  rw_mutex().unlock();
}

CASE(end_deadlock_receive) {
  (void)make_chan<int>().recv();
}

CASE(end_deadlock_send) {
  make_chan<int>().send(1);
}

CASE(end_deadlock_nil_receive) {
  (void)chan<int>().recv();
}

CASE(end_deadlock_nil_send) {
  chan<int>().send(1);
}

CASE(end_deadlock_select) {
  select(on_recv(make_chan<int>()), on_recv(make_chan<int>()));
}

CASE(end_deadlock_select_nothing) {
  select();
}

CASE(end_deadlock_mutex) {
  mutex m;
  m.lock();
  m.lock();
}

CASE(end_deadlock_read_lock) {
  rw_mutex rw;
  rw.lock();
  rw.lock_shared();
}

CASE(end_deadlock_write_lock) {
  rw_mutex rw;
  rw.lock_shared();
  rw.lock();
}

CASE(end_deadlock_wait_group) {
  wait_group wg;
  wg.add(1);
  wg.wait();
}

CASE(end_deadlock_cond) {
  mutex m;
  cond c;
  std::lock_guard lock(m);
  c.wait(m);
}

CASE(end_deadlock_after_work) {
  auto c = make_chan<int>();
  (void)go([c]() mutable { c.send(1); });
  say(*c.recv());
  sleep_for(milliseconds(5));
  say(*c.recv());
}

CASE(end_goexit_of_main) {
  (void)go([] {
    sleep_for(milliseconds(5));
    say("others go on");
  });
  goexit();
}

CASE(end_goexit_of_main_with_others_asleep) {
  start([] { (void)make_chan<int>().recv(); });
  goexit();
}
