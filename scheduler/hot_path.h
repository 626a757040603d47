// SPDX-License-Identifier: Apache-2.0
// The path of a switch: yield, park, ready, and how the next G is picked and entered. All of it
// dissolves into the caller (base/inline.h says why), so it stands in a header;
// scheduler/scheduler.h includes it at its end. What is not on this path is in scheduler.cpp and
// ms.cpp.
#pragma once

#include "base/inline.h"
#include "scheduler/scheduler.h"

namespace weft {

template <std::invocable F>
Result<G*> Scheduler::spawn(F&& f, const SpawnOptions& options) {
  using Callable = std::decay_t<F>;
  static_assert(sizeof(Callable) <= 1024, "a G's callable lies on its stack: capture less");
  static_assert(alignof(Callable) <= 64);
  Result<G*> taken = take_idle(options.stack_bytes);
  if (!taken) return taken;
  G& g = **taken;
  auto* top = reinterpret_cast<std::byte*>(&g) - (sizeof(Callable) + 63) / 64 * 64;
  g.callable = new (top) Callable(std::forward<F>(f));
  g.run = [](G& self, bool call) {
    struct Destroy {
      Callable* callable;
      ~Destroy() { callable->~Callable(); }
    } callable{static_cast<Callable*>(self.callable)};
    if (call) (*callable.callable)();
  };
  make_runnable(g, top, options);
  return &g;
}

template <class F>
void Scheduler::for_each_m(F&& f) {
  f(m0_);
  for (std::size_t i = 0; i < m_stacks_.used(); ++i) {
    M& m = *std::launder(reinterpret_cast<M*>(m_stacks_.slot(i).header));
    if (m.state != MState::dead) f(m);
  }
}

template <class F>
void Scheduler::for_each_g(F&& f) {
  for (const auto& pool : pools_) {
    for (std::size_t i = 0; i < pool->size(); ++i) {
      G& g = pool->at(i);
      if (g.state != GState::dead && g.state != GState::idle) f(g);
    }
  }
}

// A G changes its state in one of two places. Here, while somebody may watch...
WEFT_INLINE void Scheduler::move(G& g, GState from, GState to) {
  WEFT_CHECK(g.state == from, "a G was not in the state that its mover thought");
  WEFT_CHECK(may_move(from, to), "g_state.h allows no such move");
  g.state = to;
  if (sink_ != nullptr) [[unlikely]]
    sink_->on_event({g, from, to});
}

// ...and here, on a switch that goes straight to the next G, which means that nobody does.
template <GState from, GState to>
WEFT_INLINE void Scheduler::move_unseen(G& g) {
  static_assert(may_move(from, to), "g_state.h allows no such move");
  WEFT_CHECK(g.state == from, "a G was not in the state that its mover thought");
  g.state = to;
}

// Memory is what a switch waits for when there are many Gs. So each pick asks for the line of a G's
// header that a switch needs, far behind the head, and for the frames of a nearer one, whose header
// has come by now: its saved registers lie where its context points. The distances were found by
// measuring, and that a third line of the frames costs more than it brings. Of few Gs all that a
// switch needs is in the nearest cache anyway.
WEFT_INLINE void prefetch_later(const RunQueue& queue) {
  constexpr std::size_t kFar = 12;
  constexpr std::size_t kNear = 6;
  constexpr std::size_t kFewGs = 64;
  if (queue.size() <= kFewGs) [[likely]]
    return;
  __builtin_prefetch(static_cast<const GHot*>(queue.peek_unchecked(kFar)), 1);
  const auto* near = static_cast<const std::byte*>(queue.peek_unchecked(kNear)->fiber.context);
  __builtin_prefetch(near, 1);
  __builtin_prefetch(near + 64, 1);
}

WEFT_INLINE G& Scheduler::pick() {
  if (chooser_ != nullptr) [[unlikely]]
    return run_queue_.take(chooser_->next_g(run_queue_));
  prefetch_later(run_queue_);
  return run_queue_.pop();
}

// Makes `next`, whose state is running by now, the current G of the current M.
WEFT_INLINE void Scheduler::enter(G& next) {
  next.m = current_m_;
  // Release: whoever reads it from outside, in preempt_m, sees a G that is made.
  current_m_->current_g.store(&next, std::memory_order_release);
  ++next.switches;
  ++switches_;
}

// Gives the thread to `next`, the oldest of the queue, straight from a G that has given it up.
// may_go_direct() has said that nobody chooses and nobody watches.
WEFT_INLINE void Scheduler::switch_to(G& next, G& from, bool for_good) {
  prefetch_later(run_queue_);
  move_unseen<GState::runnable, GState::running>(next);
  enter(next);
  if (&next != &from) switch_fiber(from.fiber, next.fiber, for_good);
}

WEFT_INLINE void Scheduler::after_resume(G& g) {
  if (g.requests.load(std::memory_order_relaxed) != 0) [[unlikely]]
    serve_requests(g);
}

WEFT_INLINE void Scheduler::yield() {
  G* g = current();
  WEFT_CHECK(g != nullptr, "called outside of a G");
  if (may_go_direct()) [[likely]] {
    move_unseen<GState::running, GState::runnable>(*g);
    switch_to(run_queue_.rotate(*g), *g);
  } else {
    yield_slowly(*g);
  }
  after_resume(*g);
}

WEFT_INLINE void Scheduler::park(WaitReason reason) {
  G* g = current();
  WEFT_CHECK(g != nullptr, "called outside of a G");
  // Killed while it ran: nobody would ready it for that.
  if ((g->requests.load(std::memory_order_relaxed) & kKill) != 0) [[unlikely]]
    serve_requests(*g);
  g->wait_reason = reason;
  g->waiting_since = coarse_now_;
  if (may_go_direct() && !run_queue_.empty()) [[likely]] {
    move_unseen<GState::running, GState::waiting>(*g);
    switch_to(run_queue_.pop(), *g);
  } else {
    park_slowly(*g);
  }
  after_resume(*g);
}

WEFT_INLINE void Scheduler::ready(G& g) {
  move(g, GState::waiting, GState::runnable);
  run_queue_.push(g);
}

WEFT_INLINE void Scheduler::checkpoint() {
  G* g = current();  // None on the g0 of a thread: nobody asks that to yield.
  if (g == nullptr) return;
  if (chooser_ != nullptr && chooser_->at_check(*g, run_queue_)) [[unlikely]]
    request_preempt(*g);
  if (g->requests.load(std::memory_order_relaxed) != 0) [[unlikely]] {
    // It may have run for long, perhaps alone: time and events come first, and whom they ready runs
    // before it.
    look_soon();
    preempted_ = g;
    yield();
  }
}

}  // namespace weft
