// SPDX-License-Identifier: Apache-2.0
// What reaches the scheduler from outside: other threads and signal handlers, by an inbox that
// takes no lock; whoever watches or chooses; and the loop that gives it turns.
#include <utility>

#include "scheduler/scheduler.h"

namespace weft {

// The inbox is last in first out; Gs are readied in the order in which they were put there.
void Scheduler::drain_outside() {
  if (outside_.load(std::memory_order_relaxed) == nullptr) return;
  G* oldest = nullptr;
  for (G* g = outside_.exchange(nullptr, std::memory_order_acquire); g != nullptr;) {
    G* next = g->outside_next.load(std::memory_order_relaxed);
    g->outside_next.store(oldest, std::memory_order_relaxed);
    oldest = g;
    g = next;
  }
  while (oldest != nullptr) {
    G& g = *oldest;
    oldest = g.outside_next.load(std::memory_order_relaxed);
    g.in_outside_list.store(false, std::memory_order_release);
    if (g.state == GState::waiting && g.wait_reason == WaitReason::outside) {
      ready(g);
    } else {
      g.outside_permit = true;
    }
  }
}

void Scheduler::ready_from_outside(G& g) noexcept {
  if (!g.in_outside_list.exchange(true, std::memory_order_acq_rel)) {
    G* head = outside_.load(std::memory_order_relaxed);
    do {
      g.outside_next.store(head, std::memory_order_relaxed);
    } while (!outside_.compare_exchange_weak(head, &g, std::memory_order_release,
                                             std::memory_order_relaxed));
  }
  poller_.wake();
}

void Scheduler::interrupt() noexcept {
  interrupted_.store(true, std::memory_order_release);
  poller_.wake();
}

void Scheduler::on_interrupt(void (*f)(void* context), void* context) {
  interrupt_ = f;
  interrupt_context_ = context;
}

void Scheduler::serve_interrupt() {
  if (interrupted_.exchange(false, std::memory_order_acquire) && interrupt_ != nullptr) {
    interrupt_(interrupt_context_);
  }
}

void Scheduler::park_for_outside() {
  struct Held {
    Scheduler& scheduler;
    explicit Held(Scheduler& s) : scheduler(s) { scheduler.hold(); }
    ~Held() { scheduler.release_hold(); }
  } held{*this};
  G& g = *current();
  if (!g.outside_permit) park(WaitReason::outside);
  g.outside_permit = false;
}

// --- who watches, chooses, and gives turns ---

void Scheduler::set_chooser(Chooser* chooser) {
  chooser_ = chooser;
  switch_by_loop();
}

void Scheduler::set_event_sink(EventSink* sink) {
  doorbell_.behind = sink;
  choose_sink();
}

void Scheduler::on_runnable(void (*f)(void* context), void* context) {
  doorbell_.ring = f;
  doorbell_.context = context;
  choose_sink();
}

void Scheduler::choose_sink() {
  sink_ = running_ || doorbell_.ring == nullptr ? doorbell_.behind : &doorbell_;
  switch_by_loop();
}

void Doorbell::on_event(const GEvent& event) noexcept {
  if (behind != nullptr) behind->on_event(event);
  if (event.to == GState::runnable) ring(context);
}

void Doorbell::on_m_event(const MEvent& event) noexcept {
  if (behind != nullptr) behind->on_m_event(event);
}

}  // namespace weft
