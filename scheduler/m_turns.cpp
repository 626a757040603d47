// SPDX-License-Identifier: Apache-2.0
// Ms: emulated OS threads that take turns on the one real one.
//
// An M enters the ring when it wants the thread, and gets it in its turn. It gives the thread up
// only on its g0: a G that puts its M to sleep switches to that g0 first, and stays the M's current
// G, `running`, until the M has the thread again. When the ring is empty, the M that gave up the
// thread last waits outside for all of them.
//
// Of all Ms one, p_, may run Gs from the queue. It loses that right when it sleeps or gives way
// with a G of its own; if Gs wait then, an idle M gets the right, or a new one. An M that picks a G
// that is locked to another M hands it to that M.
#include <algorithm>
#include <new>
#include <utility>

#include "scheduler/report.h"
#include "scheduler/scheduler.h"

#if defined(WEFT_ASAN)
#include <sanitizer/asan_interface.h>
#endif

namespace weft {

static_assert(sizeof(M) % 64 == 0, "an M is whole cache lines, as the header of a stack must be");

// The one place where an M changes its state.
void Scheduler::move_m(M& m, MState from, MState to) {
  WEFT_CHECK(m.state == from, "an M was not in the state that its mover thought");
  WEFT_CHECK(may_move(from, to), "m_state.h allows no such move");
  if (from == MState::idle || from == MState::runnable) m.unlink();  // I5
  m.state = to;
  if (to == MState::idle) idle_ms_.push_front(m);
  if (to == MState::runnable) {
    m_ring_.push_back(m);
    switch_by_loop();  // So that the running G's next switch lets it have a turn.
  }
  if (sink_ != nullptr) sink_->on_m_event({m, from, to});
}

// --- the thread goes round ---

void Scheduler::give_way(M& m) {
  move_m(m, MState::running, MState::runnable);
}

// Gives the thread to the next M in the ring; returns when the current one has it again. On the
// current M's g0, after that M has left the state running. On M0 it also returns when the run has
// ended.
void Scheduler::pass_thread(bool for_good) {
  M& self = *current_m_;
  while (self.state != MState::running) {
    if (must_look()) look_outside();
    M* next = &m0_;  // When the run has ended M0 gets the thread, whatever its state, to return
                     // from run().
    if (ended()) {
      if (&self == &m0_) return;
    } else {
      // A dying scheduler makes no new M as long as one of its Ms can go on.
      const bool needs_m = p_ == nullptr && !run_queue_.empty();
      if (needs_m && !(dying_ && !m_ring_.empty())) start_m();
      next = m_ring_.front();
      if (next == nullptr) {
        if (!wait_outside()) end_run(RunEnd::deadlock, kDeadlock);
        continue;
      }
      move_m(*next, MState::runnable, MState::running);
    }
    if (next == &self) return;
    current_m_ = next;
    ++switches_;
    switch_by_loop();  // A thread's own function is not a G.
    switch_fiber(self.g0, next->g0, for_good);
  }
}

// From a G or from a thread's own function: on to g0, where the thread is passed.
void Scheduler::leave_to_g0() {
  M& m = *current_m_;
  if (G* g = m.current_g.load(std::memory_order_relaxed)) {
    g->stack->m = &m;  // Until it goes on, in schedule().
    switch_by_loop();
    switch_context(*eh_, g->context, g->stack->notes, m.g0.context, m.g0.notes);
    if (g->requests.load(std::memory_order_relaxed) != 0) serve_requests(*g);
  } else {
    WEFT_CHECK(m.start != nullptr, "only a G or a thread of its own may put its M to sleep");
    pass_thread();
  }
  if (m.leaving && may_unwind()) throw Killed{};
}

void Scheduler::yield_m() {
  M& m = *current_m_;
  // Gs in the queue make progress on another M while this one keeps its own.
  if (p_ == &m) p_ = nullptr;
  if (m_ring_.empty() && (run_queue_.empty() || p_ != nullptr)) look_soon();
  give_way(m);
  leave_to_g0();
}

bool Scheduler::sleep_m(const char* reason, Instant deadline) {
  M& m = *current_m_;
  if (m.leaving && may_unwind()) throw Killed{};
  struct Armed {
    Scheduler& scheduler;
    MTimer& timer;
    ~Armed() { scheduler.cancel(timer); }
  } armed{*this, m.sleep_timer};
  armed.timer.woke = false;
  const bool timed = deadline != Instant::far_future();
  if (timed) arm(m.sleep_timer, deadline);
  m.sleep_reason = reason;
  if (p_ == &m) p_ = nullptr;
  move_m(m, MState::running, MState::sleeping);
  leave_to_g0();
  return !m.sleep_timer.woke;
}

void Scheduler::wake_m(M& m) {
  move_m(m, MState::sleeping, MState::runnable);
}

void MTimer::fire(Timer& timer) {
  M& m = static_cast<MTimer&>(timer).m;
  // Woken already, it has only not run yet.
  if (m.state != MState::sleeping) return;
  m.sleep_timer.woke = true;
  scheduler_of_thread->wake_m(m);
}

// --- the right to run Gs ---

// Returns whether the M may run Gs now. When not, it is idle, asleep until its locked G is handed
// to it, or ends.
bool Scheduler::take_p(M& m) {
  if (m.leaving && m.locked_g == nullptr && &m != &m0_) exit_m(m);
  if (m.locked_g != nullptr) {
    if (p_ == &m) p_ = nullptr;
    m.sleep_reason = "locked G";
    move_m(m, MState::running, MState::sleeping);
    return false;
  }
  if (p_ == nullptr) p_ = &m;
  if (p_ == &m) return true;  // I6
  move_m(m, MState::running, MState::idle);
  return false;
}

// Gives the right to run Gs to an idle M, or to a new one.
void Scheduler::start_m() {
  M* m = idle_ms_.front();
  if (m == nullptr) {
    Result<M*> made = Error{};
    try {
      made = make_m(nullptr, nullptr);
    } catch (...) {  // The hooks forbid new Ms.
      fail(std::current_exception(), 0);
      return;
    }
    if (!made) return end_run(RunEnd::fatal, made.error().message);
    m = *made;
  } else {
    move_m(*m, MState::idle, MState::runnable);
  }
  p_ = m;
}

// --- locked Gs ---

void Scheduler::lock_os_thread() {
  if (hooks_ != nullptr && !hooks_->has_threads()) return;
  G& g = *current();
  if (g.stack->locked_count++ > 0) return;
  g.stack->locked_m = current_m_;
  current_m_->locked_g = &g;
  ++locked_gs_;
  switch_by_loop();
}

void Scheduler::unlock_os_thread() {
  GStack& stack = *current()->stack;
  if (stack.locked_count == 0 || --stack.locked_count > 0)
    return;  // As in Go: one unlock too many does nothing.
  current_m_->locked_g = nullptr;
  stack.locked_m = nullptr;
  --locked_gs_;
}

// Makes a G that was picked by another M the current one of the M that it is locked to.
void Scheduler::hand_over(G& g) {
  M& owner = *g.stack->locked_m;
  move<GState::runnable, GState::running>(g);
  g.stack->m = &owner;
  owner.current_g.store(&g, std::memory_order_release);
  ++switches_;
  // It sleeps until then, unless the last run ended just before it could.
  if (owner.state == MState::sleeping) wake_m(owner);
}

// A G that ends while it is locked takes its M with it, as in Go.
void Scheduler::exit_locked(G& g) {
  M& m = *g.stack->locked_m;
  m.locked_g = nullptr;
  m.leaving = &m != &m0_;
  g.stack->locked_m = nullptr;
  g.stack->locked_count = 0;
  --locked_gs_;
  switch_by_loop();
}

// --- the life of an M ---

Result<M*> Scheduler::new_m(MStart start, void* argument) {
  WEFT_CHECK(start != nullptr, "a thread needs a function");
  Result<M*> m = make_m(start, argument);
  if (m) ++threads_;
  return m;
}

Result<M*> Scheduler::make_m(MStart start, void* argument) {
  if (mcount_ >= kMsMax) return refused_by_host(kThreadExhaustion);
  Result<M*> taken = take_m();
  if (!taken) return taken;
  M& m = **taken;
  m.id = last_m_id_ + 1;
  m.start = start;
  m.start_argument = argument;
  m.locks = 0;
  m.leaving = false;
  if (hooks_ != nullptr) {
    struct Undo {
      Scheduler& scheduler;
      M* m;
      ~Undo() {
        if (m != nullptr) m->pool_next = std::exchange(scheduler.free_ms_, m);
      }
    } undo{*this, &m};
    hooks_->newosproc(m);
    hooks_->mpreinit(m);
    undo.m = nullptr;
  }
  last_m_id_ = m.id;
#if defined(WEFT_ASAN)
  ASAN_UNPOISON_MEMORY_REGION(m.bottom,
                              static_cast<std::size_t>(reinterpret_cast<std::byte*>(&m) -
                                                       static_cast<std::byte*>(m.bottom)));
#endif
  m.g0.prepare(m.bottom, &m, &m_main, &m);
  ++mcount_;
  timers_.reserve(2 * std::max(room_, live_) + mcount_ + 1);  // I4: deadlines of guests, too.
  move_m(m, MState::dead, MState::runnable);
  return &m;
}

// A dead M from the pool, or a fresh one.
Result<M*> Scheduler::take_m() {
  // The M that is just ending still stands on its stack.
  M** from = free_ms_ == current_m_ ? &free_ms_->pool_next : &free_ms_;
  if (free_ms_ != nullptr && *from != nullptr) {
    M* m = *from;
    *from = std::exchange(m->pool_next, nullptr);
    return m;
  }
  Result<StackPool::Slot> slot = m_stacks_.fresh();
  if (!slot) return slot.error();
  M* m = new (slot->header) M(slot->bottom);
  m->state = MState::dead;
  return m;
}

void Scheduler::m_main(void* argument) {
  M& m = *static_cast<M*>(argument);
  Scheduler& scheduler = *scheduler_of_thread;
  if (scheduler.hooks_ != nullptr) scheduler.hooks_->minit(m);
  if (m.start == nullptr) scheduler.schedule(m);
  try {
    if (!m.leaving) m.start(m.start_argument);
  } catch (const Killed&) {
    // It has unwound: what was asked for.
  } catch (...) {
    scheduler.fail(std::current_exception(), 0);
  }
  scheduler.exit_m(m);
}

void Scheduler::exit_m(M& m) {
  if (hooks_ != nullptr) {
    hooks_->unminit(m);
    hooks_->mdestroy(m);
  }
  if (m.start != nullptr) --threads_;
  if (p_ == &m) p_ = nullptr;
  --mcount_;
  move_m(m, MState::running, MState::dead);
  m.pool_next = std::exchange(free_ms_, &m);
  pass_thread(true);
  WEFT_CHECK(false, "a dead M was resumed");
  std::abort();
}

// Lets any M run any G, so that the Gs of a dying scheduler can unwind whatever their Ms do.
void Scheduler::unlock_all() {
  for_each_g([this](G& g) {
    if (g.stack == nullptr || g.stack->locked_m == nullptr) return;
    M& m = *std::exchange(g.stack->locked_m, nullptr);
    m.locked_g = nullptr;
    g.stack->locked_count = 0;
    --locked_gs_;
    const bool waits_for_it = m.current_g.load(std::memory_order_relaxed) == nullptr;
    if (m.state == MState::sleeping && waits_for_it) wake_m(m);
  });
}

// Tells every M but M0 to end.
void Scheduler::dismiss_ms() {
  for_each_m([this](M& m) {
    if (&m == &m0_) return;
    m.leaving = true;
    if (m.state == MState::idle) move_m(m, MState::idle, MState::runnable);
    if (m.state == MState::sleeping && m.locked_g == nullptr) wake_m(m);
  });
}

void Scheduler::destroy_ms() {
  m0_.unlink();  // The run may have ended while it waited for its turn.
  for (std::size_t i = 0; i < m_stacks_.used(); ++i) {
    std::launder(reinterpret_cast<M*>(m_stacks_.slot(i).header))->~M();
  }
}

}  // namespace weft
