// SPDX-License-Identifier: Apache-2.0
// The life of a G, from spawn() to its end: how it gets its stack, what its first frame does, how
// it is killed, how it sleeps.
#include <algorithm>

#include "base/unwinding.h"
#include "scheduler/scheduler.h"

#if defined(WEFT_ASAN)
#include <sanitizer/asan_interface.h>
#endif

namespace weft {

// A G that is not runnable yet, with room for it everywhere (I4).
Result<G*> Scheduler::take_idle(std::size_t stack_bytes) {
  const auto has_size = [stack_bytes](const auto& pool) {
    return pool->stacks().slot_bytes() == stack_bytes;
  };
  if (live_ < room_ && has_size(pools_.front())) [[likely]]
    return pools_.front()->take();
  try {
    auto pool = std::find_if(pools_.begin(), pools_.end(), has_size);
    if (pool == pools_.end()) {
      const auto index = static_cast<std::uint8_t>(pools_.size());
      pool = pools_.insert(pool,
                           std::make_unique<GPool>(index, stack_bytes, config_.guard, current_m_));
    }
    run_queue_.reserve(live_ + 1);
    room_ = run_queue_.capacity();
    timers_.reserve(2 * room_ + mcount_ + 1);  // Deadlines of guests, too.
    return (*pool)->take();
  } catch (const std::bad_alloc&) {
    return Error{"no memory for another G"};
  }
}

void Scheduler::make_runnable(G& g, const SpawnOptions& options) {
  if (g.at_rest_ == GState::dead) move<GState::dead, GState::idle>(g);
  g.id = ++last_id_;
  g.requests.store(0, std::memory_order_relaxed);
  g.outside_permit = false;
  g.ending = false;
  g.wait_reason = WaitReason::none;
  g.on_exit = options.on_exit;
  g.on_exit_context = options.on_exit_context;
  g.owner = options.owner;
  g.name[options.name.copy(g.name, kGNameMax - 1)] = '\0';
  ++live_;
  run_queue_.reserve(live_);  // There is room, unless the callable's constructor spawned.
  move<GState::idle, GState::runnable>(g);
  run_queue_.push(g) = nullptr;
}

// A G runs for the first time: it gets its stack, which spawn() has set aside.
[[gnu::noinline]] FiberContext Scheduler::first_context(G& g) {
  pools_[g.pool]->give_stack(g);
#if defined(WEFT_ASAN)
  // The last G on this stack ended inside frames that never returned: they are still poisoned.
  const auto* bottom = static_cast<const std::byte*>(g.stack->bottom);
  const auto* top = reinterpret_cast<const std::byte*>(g.stack);
  ASAN_UNPOISON_MEMORY_REGION(bottom, static_cast<std::size_t>(top - bottom));
#endif
  return make_context<&g_main>(g.stack->bottom, g.stack, g.stack->notes);
}

// On its G's own stack: as it goes, a value may use the scheduler and make others.
void Scheduler::destroy_locals(G& g) {
  while (GLocalValue* value = g.stack->locals) {
    g.stack->locals = value->next;
    value->destroy(value);
  }
}

// Runs the G that the stack was given to, and on the same stack those that it is passed on to.
void Scheduler::g_main() {
  Scheduler& scheduler = *scheduler_of_thread;
  for (G* g = scheduler.current();; g = &scheduler.exit(*g)) {
    const bool killed = (g->requests.load(std::memory_order_relaxed) & kKill) != 0;
    try {
      g->run(*g, !killed);
    } catch (const Killed&) {
      // It has unwound, as asked.
    } catch (...) {
      scheduler.fail(std::current_exception(), g->id);
    }
    g->ending = true;
    scheduler.destroy_locals(*g);
  }
}

// Ends a G and goes on with another. Returns when that one has not run yet: it begins on this
// stack, the warmest there is.
G& Scheduler::exit(G& g) {
  move<GState::running, GState::dead>(g);
  --live_;
  if (g.stack->locked_m != nullptr) exit_locked(g);
  if (g.on_exit != nullptr) g.on_exit(g, g.on_exit_context);
  destroy_locals(g);  // Of on_exit.
  // What is on its way from outside is for this G, not for the next one in this place.
  if (g.in_outside_list.load(std::memory_order_acquire)) drain_outside();
  if ((g.requests.load(std::memory_order_relaxed) & kKill) != 0) --kills_;
  GPool& pool = *pools_[g.pool];
  FiberNotes& notes = g.stack->notes;
  if (run_queue_.empty() || (!may_go_direct() && needs_g0())) {
    pool.take_stack(g);
    pool.put(g);
    M& m = *current_m_;
    m.current_g.store(nullptr, std::memory_order_relaxed);
    switch_by_loop();
    switch_context(*eh_, ended_at_, notes, m.g0.context, m.g0.notes, true);
  }
  Entry next = pick();
  move<GState::runnable, GState::running>(*next.g);
  if (next.context == nullptr && next.g->pool == g.pool) {
    GPool::pass_stack(g, *next.g);
    pool.put(g);
    enter(*next.g);
    return *next.g;
  }
  if (next.context == nullptr) next.context = first_context(*next.g);
  pool.take_stack(g);
  pool.put(g);
  enter(*next.g);
  switch_context(*eh_, ended_at_, notes, next.context, next.g->stack->notes, true);
  WEFT_CHECK(false, "a dead G was resumed");
  std::abort();
}

void Scheduler::fail(std::exception_ptr failure, std::uint64_t g_id) {
  failure_ = std::move(failure);
  failed_g_id_ = g_id;
  look_soon();
}

std::size_t Scheduler::stacks_made() const {
  std::size_t made = 0;
  for (const auto& pool : pools_) made += pool->stacks().used();
  return made;
}

bool Scheduler::has_guard(const G& g) const {
  return pools_[g.pool]->stacks().is_guarded(static_cast<const std::byte*>(g.stack->bottom));
}

std::size_t Scheduler::stack_of_guard(const void* address) const noexcept {
  for (const auto& pool : pools_) {
    if (pool->stacks().in_guard(address)) return pool->stacks().slot_bytes();
  }
  return m_stacks_.in_guard(address) ? m_stacks_.slot_bytes() : 0;
}

// --- requests and deadlines ---

#if WEFT_UNWINDS
void Scheduler::kill(G& g) {
  if (g.at_rest_ == GState::dead || g.at_rest_ == GState::idle) return;
  if ((g.requests.fetch_or(kKill) & kKill) == 0) {
    ++kills_;  // I7
    switch_by_loop();
  }
  if (g.is_waiting()) return ready(g);
  // It may be kept by an M that sleeps.
  if (g.stack != nullptr && g.stack->m != nullptr && g.stack->m->state == MState::sleeping)
    wake_m(*g.stack->m);
}
#endif

void Scheduler::ready_next(G& g) {
  if (!next_turns_.take(switches_)) return ready(g);
  move<GState::waiting, GState::runnable>(g);
  run_queue_.push_next(g) = g.context;
}

void Scheduler::serve_requests(G& g) {
  g.requests.fetch_and(static_cast<std::uint8_t>(~kPreempt));
  if ((g.requests.load(std::memory_order_relaxed) & kKill) == 0 || !may_unwind()) return;
  g.requests.fetch_and(static_cast<std::uint8_t>(~kKill));
  --kills_;
  throw Killed{};
}

// A second exception while one unwinds this stack would end the process: the kill waits. A G that
// is ending has nothing more to unwind.
bool Scheduler::may_unwind() {
  const G* const g = scheduler_of_thread->current();
  return !fiber_thread.eh->is_unwinding() && (g == nullptr || !g->ending);
}

bool Scheduler::park_until(WaitReason reason, Instant deadline) {
  struct Armed {  // A killed G leaves park by an exception: its timer must not stay behind.
    Scheduler& scheduler;
    SleepTimer& timer;
    ~Armed() { scheduler.cancel(timer); }
  } armed{*this, current()->stack->sleep_timer};
  armed.timer.woke = false;
  arm(armed.timer, chooser_ != nullptr ? chooser_->wake_at(deadline) : deadline);
  park(reason);
  return !armed.timer.woke;
}

void Scheduler::sleep_until(Instant deadline) {
  if (deadline <= clock_.now()) return;
  park_until(WaitReason::sleep, deadline);
}

void SleepTimer::fire(Timer& timer) {
  // Somebody else, or a kill, may have readied it since: then it has only not run yet.
  auto& sleep = static_cast<SleepTimer&>(timer);
  if (!sleep.g->is_waiting()) return;
  sleep.woke = true;
  scheduler_of_thread->ready(*sleep.g);
}

}  // namespace weft
