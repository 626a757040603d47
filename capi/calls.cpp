// SPDX-License-Identifier: Apache-2.0
// The calls from inside: each checks where it comes from, and is one function of the port.
#include <vector>

#include "base/unwinding.h"
#include "capi/boundary.h"
#include "scheduler/api.h"

using namespace weft;
using namespace weft::capi;

namespace {

port::mutex* of(weft_lock* lock) {
  return reinterpret_cast<port::mutex*>(lock);
}

port::note* of(weft_note* note) {
  return reinterpret_cast<port::note*>(note);
}

int null_argument() {
  return fail(WEFT_EINVAL, "an argument is null");
}

int timed_out() {
  return fail(WEFT_ETIMEDOUT, "the time was over first");
}

// A call of the port that returns nothing.
template <class F>
int call(From from, F&& f) {
  return guarded_from(from, [&] {
    f();
    return WEFT_OK;
  });
}

#if !WEFT_UNWINDS
// The scheduler, when the caller is a G of an emulated port that holds no lock. Only that G could
// kill itself, so that nothing is thrown where it yields, and no frame is needed that catches: one
// that stands there saves itself and comes back at each switch.
[[gnu::noinline]] Scheduler* yields_plainly() {
  weft_scheduler* const s = current();
  if (s == nullptr || s->port->is_strict() || port::place(*s->port) != port::Place::g ||
      s->scheduler.current_m().locks != 0)
    return nullptr;
  s->port->count(port::Lacking::osyield);
  return &s->scheduler;
}

// Apart from weft_osyield, whose frame then has little to save.
[[gnu::noinline]] int osyield_guarded() {
  return call(From::inside, [] { port::osyield(); });
}
#endif

}  // namespace

// --- threads ---

int weft_exit_thread(void) {
  return guarded_from(From::inside, [&]() -> int {
    if (holds_locks()) return fail(WEFT_EHOLDSLOCKS, "schedule: holding locks");
    const G* const g = current()->scheduler.current();
    if (g != nullptr && g->ending) return fail(WEFT_EINVAL, "the G has ended");
    port::exitThread(nullptr);
  });
}

int weft_stack_bounds(void** low, void** high) {
  if (low == nullptr || high == nullptr) return null_argument();
  return call(From::inside, [&] {
    const Scheduler& scheduler = current()->scheduler;
    if (const G* g = scheduler.current()) {
      if (is_on_own_stack(*g, low, high)) return;
      *low = g->stack->bottom;
      *high = g->stack;
    } else {
      M& m = scheduler.current_m();
      *low = m.bottom;
      *high = &m;
    }
  });
}

weft_m* weft_self_m(void) {
  if (current() == nullptr || port::place(*current()->port) == port::Place::outside) return nullptr;
  return handle(&current()->scheduler.current_m());
}

int weft_osyield(void) {
#if WEFT_UNWINDS
  return call(From::inside, [] { port::osyield(); });
#else
  Scheduler* const scheduler = yields_plainly();
  if (scheduler == nullptr) return osyield_guarded();
  scheduler->yield();
  return WEFT_OK;
#endif
}

int weft_osyield_no_g(void) {
  return call(From::inside, [] { port::osyield_no_g(); });
}

int weft_usleep(uint32_t microseconds) {
  return call(From::inside, [&] { port::usleep(microseconds); });
}

int weft_usleep_no_g(uint32_t microseconds) {
  return call(From::inside, [&] { port::usleep_no_g(microseconds); });
}

int weft_preempt(weft_m* thread) {
  if (thread == nullptr) return WEFT_EINVAL;  // Keeps no text: this may be a signal handler.
  port::preemptM(from_handle(thread));
  return WEFT_OK;
}

int weft_checkpoint(void) {
  return call(From::inside, [] {
    if (current()->scheduler.current() != nullptr && !holds_locks()) checkpoint();
  });
}

// --- locks, notes, futexes, semaphores ---

int weft_lock_acquire(weft_lock* lock) {
  if (lock == nullptr) return null_argument();
  return call(From::inside, [&] { port::lock(of(lock)); });
}

int weft_lock_release(weft_lock* lock) {
  if (lock == nullptr) return null_argument();
  return call(From::inside, [&] { port::unlock(of(lock)); });
}

int weft_note_clear(weft_note* note) {
  if (note == nullptr) return null_argument();
  return call(From::inside, [&] { port::noteclear(of(note)); });
}

int weft_note_sleep(weft_note* note, int64_t timeout) {
  if (note == nullptr) return null_argument();
  return guarded_from(From::inside, [&]() -> int {
    if (timeout >= 0) return port::notetsleep(of(note), timeout) ? WEFT_OK : timed_out();
    port::notesleep(of(note));
    return WEFT_OK;
  });
}

int weft_note_sleep_g(weft_note* note, int64_t timeout) {
  if (note == nullptr) return null_argument();
  return guarded_from(From::g, [&]() -> int {
    if (holds_locks()) return fail(WEFT_EHOLDSLOCKS, "schedule: holding locks");
    return port::notetsleepg(of(note), timeout) ? WEFT_OK : timed_out();
  });
}

int weft_note_wake(weft_note* note) {
  if (note == nullptr) return null_argument();
  return call(From::inside, [&] { port::notewakeup(of(note)); });
}

int weft_futex_wait(const uint32_t* address, uint32_t value, int64_t timeout) {
  if (address == nullptr) return null_argument();
  return guarded_from(From::inside, [&]() -> int {
    return port::futexsleep(address, value, timeout) ? WEFT_OK : timed_out();
  });
}

int weft_futex_wake(const uint32_t* address, uint32_t count, uint32_t* woken) {
  if (address == nullptr) return null_argument();
  return call(From::inside, [&] {
    const std::uint32_t n = port::futexwakeup(address, count);
    if (woken != nullptr) *woken = n;
  });
}

int weft_sema_sleep(int64_t timeout) {
  return guarded_from(
      From::inside, [&]() -> int { return port::semasleep(timeout) == 0 ? WEFT_OK : timed_out(); });
}

int weft_sema_wake(weft_m* thread) {
  if (thread == nullptr) return null_argument();
  return call(From::inside, [&] { port::semawakeup(from_handle(thread)); });
}

// --- the host ---

int64_t weft_nanotime(void) {
  std::int64_t now = 0;
  (void)call(From::inside, [&] { now = port::nanotime1(); });
  return now;
}

int weft_walltime(int64_t* seconds, int32_t* nanoseconds) {
  if (seconds == nullptr || nanoseconds == nullptr) return null_argument();
  return call(From::inside, [&] {
    const port::WallTime now = port::walltime1();
    *seconds = now.sec;
    *nanoseconds = now.nsec;
  });
}

int weft_random(void* buffer, size_t bytes) {
  if (buffer == nullptr && bytes > 0) return null_argument();
  return call(From::inside, [&] { port::getRandomData({static_cast<std::byte*>(buffer), bytes}); });
}
