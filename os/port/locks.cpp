// SPDX-License-Identifier: Apache-2.0
// Each wait is a Waiter on the sleeper's stack; waking marks it and lets its M or G go on. A
// sleeper that is killed leaves by an exception and takes its Waiter back.
#include "os/port/locks.h"

#include <string>

#include "os/port/failure.h"
#include "os/port/port.h"

namespace weft::port {
namespace {

constexpr std::uintptr_t kUnlocked = 0;
constexpr std::uintptr_t kLocked = 1;
constexpr std::uintptr_t kCleared = 0;
constexpr std::uintptr_t kWoken = 1;

Instant deadline_after(const Scheduler& scheduler, std::int64_t ns) {
  return ns < 0 ? Instant::far_future() : scheduler.now() + nanoseconds(ns);
}

// The sleeper may have reached its deadline already and only not run yet.
void wake(Scheduler& scheduler, Waiter& waiter) {
  waiter.woken = true;
  if (waiter.g != nullptr) {
    if (waiter.g->is_waiting()) scheduler.ready(*waiter.g);
  } else if (waiter.m->state == MState::sleeping) {
    scheduler.wake_m(*waiter.m);
  }
}

// Puts the current M to sleep until the waiter is woken; returns whether it was.
bool sleep_until_woken(Scheduler& scheduler, Waiter& waiter, const char* reason, Instant deadline) {
  while (!waiter.woken && scheduler.sleep_m(reason, deadline)) {
  }
  return waiter.woken;
}

template <class Queue>
void push(Queue& queue, Waiter& waiter) {
  (queue.head == nullptr ? queue.head : queue.tail->next) = &waiter;
  queue.tail = &waiter;
}

template <class Queue>
void remove(Queue& queue, Waiter& waiter) {
  Waiter* before = nullptr;
  for (Waiter* w = queue.head; w != nullptr; before = w, w = w->next) {
    if (w != &waiter) continue;
    (before == nullptr ? queue.head : before->next) = w->next;
    if (queue.tail == w) queue.tail = before;
    w->next = nullptr;
    return;
  }
}

// Gives the lock to the M that has waited longest, if one waits.
void hand_on(Scheduler& scheduler, mutex& l) {
  Waiter* const next = l.head;
  if (next == nullptr) {
    l.key = kUnlocked;
    l.owner = nullptr;
    return;
  }
  remove(l, *next);
  l.owner = next->m;
  wake(scheduler, *next);
}

// The M that calls, which must be able to sleep.
M& caller(Port& port, const char* call) {
  require_inside(port, call);
  return port.scheduler().current_m();
}

void refuse(Port& port, Lacking call) {
  port.count(call);
  if (!port.is_strict()) return;
  throw Throw(std::string(kLackingNames[static_cast<std::size_t>(call)]) +
              " not supported by wasi");
}

}  // namespace

// --- lock ---

void lock(mutex* l) {
  Port& port = this_port();
  M& m = caller(port, "lock");
  if (m.locks < 0) throw_("lock count");
  if (l->key == kLocked) {
    if (l->owner == &m) throw_("self deadlock");
    struct Queued {
      Scheduler& scheduler;
      mutex& l;
      Waiter waiter;
      bool taken = false;
      ~Queued() {
        // Killed. If it was given the lock just now, the next one gets it.
        if (!taken) waiter.woken ? hand_on(scheduler, l) : remove(l, waiter);
      }
    } queued{port.scheduler(), *l, {.m = &m}};
    push(*l, queued.waiter);
    sleep_until_woken(port.scheduler(), queued.waiter, "lock", Instant::far_future());
    queued.taken = true;
  }
  l->key = kLocked;
  l->owner = &m;
  ++m.locks;
}

void unlock(mutex* l) {
  Port& port = this_port();
  M& m = caller(port, "unlock");
  if (l->key == kUnlocked) throw_("unlock of unlocked lock");
  if (l->owner != &m) throw_("unlock of a lock that another M holds");
  if (m.locks <= 0) throw_("lock count");
  --m.locks;
  hand_on(port.scheduler(), *l);
}

// --- note ---

bool sleep_on_note(note& n, const char* reason, std::int64_t ns) {
  Scheduler& scheduler = this_port().scheduler();
  if (n.key == kWoken) return true;
  if (n.waiter != nullptr) throw_("notesleep - waitm out of sync");
  struct Waiting {
    note& n;
    Waiter waiter;
    ~Waiting() { n.waiter = nullptr; }
  } waiting{n, {.m = &scheduler.current_m()}};
  n.waiter = &waiting.waiter;
  return sleep_until_woken(scheduler, waiting.waiter, reason, deadline_after(scheduler, ns));
}

void wake_note(note& n) {
  if (n.key == kWoken) throw_("notewakeup - double wakeup");
  n.key = kWoken;
  if (n.waiter != nullptr) wake(this_port().scheduler(), *n.waiter);
}

void noteclear(note* n) {
  n->key = kCleared;
}

void notewakeup(note* n) {
  wake_note(*n);
}

void notesleep(note* n) {
  Port& port = this_port();
  refuse(port, Lacking::notesleep);
  require_inside(port, "notesleep");
  (void)sleep_on_note(*n, "note sleep", -1);
}

bool notetsleep(note* n, std::int64_t ns) {
  Port& port = this_port();
  refuse(port, Lacking::notetsleep);
  require_inside(port, "notetsleep");
  return sleep_on_note(*n, "note sleep", ns);
}

bool notetsleepg(note* n, std::int64_t ns) {
  Port& port = this_port();
  Scheduler& scheduler = port.scheduler();
  if (place(port) != Place::g) throw_("notetsleepg on g0");
  const Instant deadline = deadline_after(scheduler, ns);
  if (port.is_strict()) {
    while (n->key != kWoken) {
      scheduler.yield();
      if (scheduler.now() >= deadline) return n->key == kWoken;
    }
    return true;
  }
  if (is_awake(*n)) return true;
  const NoteWait wait(*n, *scheduler.current());
  while (!wait.woken()) {
    if (ns < 0) {
      scheduler.park(WaitReason::sleep);
    } else if (!scheduler.park_until(WaitReason::sleep, deadline)) {
      break;
    }
  }
  return wait.woken();
}

NoteWait::NoteWait(note& n, G& g) : n_(n), waiter_{.g = &g} {
  if (n.waiter != nullptr) throw_("notesleep - waitm out of sync");
  n.waiter = &waiter_;
}

bool is_awake(const note& n) {
  return n.key == kWoken;
}

// --- semaphore ---

void semacreate(M* mp) {
  (void)this_port().gsignal_of(*mp);
}

std::int32_t semasleep(std::int64_t ns) {
  Port& port = this_port();
  refuse(port, Lacking::semasleep);
  M& m = caller(port, "semasleep");
  Gsignal& sema = port.gsignal_of(m);
  if (sema.wakeups == 0) {
    struct Waiting {
      Gsignal& sema;
      Waiter waiter;
      ~Waiting() { sema.sema_waiter = nullptr; }
    } waiting{sema, {.m = &m}};
    sema.sema_waiter = &waiting.waiter;
    Scheduler& scheduler = port.scheduler();
    sleep_until_woken(scheduler, waiting.waiter, "semasleep", deadline_after(scheduler, ns));
  }
  if (sema.wakeups == 0) return -1;
  --sema.wakeups;
  return 0;
}

void semawakeup(M* mp) {
  Port& port = this_port();
  refuse(port, Lacking::semawakeup);
  Gsignal& sema = port.gsignal_of(*mp);
  ++sema.wakeups;
  if (sema.sema_waiter != nullptr) wake(port.scheduler(), *sema.sema_waiter);
}

// --- futex ---

bool futexsleep(const std::uint32_t* address, std::uint32_t value, std::int64_t ns) {
  Port& port = this_port();
  refuse(port, Lacking::futexsleep);
  M& m = caller(port, "futexsleep");
  // Nothing runs between this look and the sleep: there is one thread.
  if (__atomic_load_n(address, __ATOMIC_SEQ_CST) != value) return true;
  struct Queued {
    FutexBucket& bucket;
    Waiter waiter;
    ~Queued() {
      if (!waiter.woken) remove(bucket, waiter);  // I2
    }
  } queued{port.futex_bucket(address), {.m = &m, .address = address}};
  push(queued.bucket, queued.waiter);
  Scheduler& scheduler = port.scheduler();
  return sleep_until_woken(scheduler, queued.waiter, "futex sleep", deadline_after(scheduler, ns));
}

std::uint32_t futexwakeup(const std::uint32_t* address, std::uint32_t count) {
  Port& port = this_port();
  refuse(port, Lacking::futexwakeup);
  FutexBucket& bucket = port.futex_bucket(address);
  std::uint32_t woken = 0;
  for (Waiter* w = bucket.head; w != nullptr && woken < count;) {
    Waiter* const next = w->next;
    if (w->address == address) {
      remove(bucket, *w);
      wake(port.scheduler(), *w);
      ++woken;
    }
    w = next;
  }
  return woken;
}

}  // namespace weft::port
