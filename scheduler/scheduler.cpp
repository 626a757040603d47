// SPDX-License-Identifier: Apache-2.0
// The loop that runs on g0, what it looks at outside, and the slow way of a switch. The phases of
// schedule() are numbered as in docs/scheduler.md.
#include "scheduler/scheduler.h"

#include <algorithm>

#include "base/unwinding.h"
#include "scheduler/for_debuggers.h"
#include "scheduler/report.h"

namespace weft {

Scheduler::Scheduler(Clock& clock, Poller& poller, Config config)
    : random_(config.seed),
      m_stacks_({.slot_bytes = kStackBytes, .header_bytes = sizeof(M), .guard = config.guard}),
      clock_(clock),
      poller_(poller),
      config_(config) {
  run_queue_.reserve(1);
  coarse_now_ = started_at_ = clock_.now();
  return_memory_at_ = coarse_now_ + kMemoryPeriod;
  switches_per_look_ = 1;  // Until the first looks have said how long turns take.
  show_to_debuggers(*this);
}

Scheduler::~Scheduler() {
  wind_up();
  destroy_ms();
  hide_from_debuggers(*this);
}

void Scheduler::wind_up() {
  WEFT_CHECK(!running_, "a scheduler was ended while it ran");
#if WEFT_UNWINDS
  dying_ = true;
  // A G or a thread may catch Killed and go on: again until all have ended.
  while (live_ > 0 || mcount_ > 1) {
    unlock_all();
    for_each_g([this](G& g) { kill(g); });
    dismiss_ms();
    failure_ = nullptr;
    stopping_ = false;
    (void)run_on_this_thread();
  }
  failure_ = nullptr;
  dying_ = false;
#else
  abandon();
#endif
}

// For a target that can't unwind (base/unwinding.h): what is left never runs again, and of its
// frames no destructor runs. Its callables go, as if each G had been killed before it first ran.
void Scheduler::abandon() {
  while (!run_queue_.empty()) (void)run_queue_.pop();
  for_each_m([this](M& m) {
    cancel(m.sleep_timer);
    m.unlink();
    m.current_g.store(nullptr, std::memory_order_relaxed);
    if (&m != &m0_) m.state = MState::dead;
  });
  m0_.state = MState::running;
  m0_.locked_g = nullptr;
  current_m_ = &m0_;
  p_ = nullptr;
  // By now no G runs and no M is inside: what a callable's end calls finds itself outside.
  Scheduler* const outer = std::exchange(scheduler_of_thread, this);
  for_each_g([this](G& g) {
    if (g.stack != nullptr) cancel(g.stack->sleep_timer);
    g.run(g, false);
    g.at_rest_ = GState::dead;
  });
  scheduler_of_thread = outer;
  live_ = threads_ = locked_gs_ = kills_ = 0;
  mcount_ = 1;
  failure_ = nullptr;
}

// --- run ---

RunResult Scheduler::run() {
  return run_until(kNoTurn);
}

RunResult Scheduler::run_turn(std::uint64_t switches) {
  look_soon();
  return run_until(switches_ + switches);
}

RunResult Scheduler::run_until(std::uint64_t turn_end) {
  WEFT_CHECK(!running_, "run() was called while it ran");
  stopping_ = false;
  failed_g_id_ = 0;
  turn_end_ = turn_end;
  looked_at_ = switches_;  // What lies between two runs is not the Gs' time.
  RunResult result = run_on_this_thread();
  if (in_turn()) plan_next_look(std::exchange(coarse_now_, clock_.now()));
  turn_end_ = kNoTurn;
  if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
  return result;
}

RunResult Scheduler::run_on_this_thread() {
  running_ = true;
  choose_sink();
  end_.reset();
  current_m_ = &m0_;
  Scheduler* const outer = std::exchange(scheduler_of_thread, this);
  m0_.g0.adopt_thread();
  eh_ = fiber_thread.eh;
  schedule(m0_);
  scheduler_of_thread = outer;
  running_ = false;
  choose_sink();
  return *std::exchange(end_, std::nullopt);
}

// The loop of an M, on its g0. Only M0's returns, when the run has ended.
void Scheduler::schedule(M& m) {
  for (;;) {
    // 1. Pass: an M that went to sleep, gave way or has no work lets the others have the thread.
    if (m.state != MState::running) pass_thread();
    // 2. End: nothing is left to do, somebody said stop, or nothing can go on. M0 returns from
    // run().
    if (ended()) {
      if (&m == &m0_) return;
      give_way(m);
      continue;
    }
    // 3. Resume: the G that this M kept while it slept or gave way.
    if (G* g = m.current_g.load(std::memory_order_relaxed)) {
      g->stack->m = nullptr;
      resume_on(m, *g, g->context);
      continue;
    }
    // 4. Right: only one M at a time runs Gs from the queue. Another one's: this M is idle.
    if (!take_p(m)) continue;
    // 5. Look: readiness from outside, timers, I/O; at least every kSwitchesPerLook switches.
    if (must_look()) look_before_it_that_gave_way();
    // 6. Share: between two Gs each other M that wants the thread has a turn.
    if (!m_ring_.empty()) {
      give_way(m);
      pass_thread();
      if (ended()) continue;
    }
    // 7. Run: the next G, until the thread comes back to g0.
    if (!run_queue_.empty()) {
      execute(pick());
      continue;
    }
    // 8. Wait: block once until the next deadline or event. 9. Or report that none can come.
    if (m_ring_.empty() && !wait_outside()) end_run(RunEnd::deadlock, kDeadlock);
  }
}

bool Scheduler::ended() {
  if (end_) return true;
  if (stopping_ || failure_ != nullptr) {
    end_ = {RunEnd::stopped, {}};
  } else if (live_ == 0 && threads_ == 0 && (!dying_ || mcount_ == 1)) {
    end_ = {RunEnd::finished, {}};
  } else if (switches_ >= turn_end_) {
    end_ = {RunEnd::turn_over, {}};
  }
  return end_.has_value();
}

void Scheduler::end_run(RunEnd end, std::string_view text) {
  // In a turn this is no deadlock when the embedder's loop readies a G later; so it may come often.
  const bool told = !in_turn() || end != RunEnd::deadlock;
  end_ = {end, told ? fatal_report(census(), text) : std::string()};
}

void Scheduler::execute(Entry next) {
  G& g = *next.g;
  if (next.context == nullptr) {
    next.context = first_context(g);
  } else if (g.stack->locked_m != nullptr && g.stack->locked_m != current_m_) {
    g.context = next.context;
    return hand_over(g);
  }
  direct_until_.store(may_switch_directly() ? next_look_.load(std::memory_order_relaxed) : 0,
                      std::memory_order_relaxed);
  if (must_look()) switch_by_loop();  // A tick came in between.
  move<GState::runnable, GState::running>(g);
  enter(g);
  resume_on(*current_m_, g, next.context);
}

// From the g0 of the current M to a G.
void Scheduler::resume_on(M& m, G& g, FiberContext context) {
  switch_context(*eh_, m.g0.context, m.g0.notes, context, g.stack->notes);
}

// Off the fast path: when it is time to look, when no other G is runnable, when there is a sink or
// a Chooser, when a G was killed, or when another M wants the thread.
[[gnu::noinline]] void Scheduler::yield_slowly() {
  if (looked_here()) return yield();
  G* g = current();
  WEFT_CHECK(g != nullptr, "called outside of a G");
  if (must_look()) gave_way_ = g;
  move<GState::running, GState::runnable>(*g);
  leave_slowly(*g, run_queue_.push(*g));
  if (g->requests.load(std::memory_order_relaxed) != 0) serve_requests(*g);
}

[[gnu::noinline]] void Scheduler::park_slowly(WaitReason reason) {
  if (looked_here()) return park(reason);
  G* g = current();
  WEFT_CHECK(g != nullptr, "called outside of a G");
  // Killed while it ran: no ready() would come for that.
  if ((g->requests.load(std::memory_order_relaxed) & kKill) != 0) serve_requests(*g);
  g->wait_reason = reason;
  g->waiting_since = coarse_now_;
  move<GState::running, GState::waiting>(*g);
  leave_slowly(*g, g->context);
  if (g->requests.load(std::memory_order_relaxed) != 0) serve_requests(*g);
}

// Has g0 something to do before the next G of the queue may run?
bool Scheduler::needs_g0() const {
  return must_look() || run_queue_.empty() || !m_ring_.empty() || locked_gs_ > 0 ||
         current_m_->leaving;
}

// To the next G, as the chooser says, or to g0 if that has something to do.
void Scheduler::leave_slowly(G& g, FiberContext& stopped_at) {
  if (needs_g0()) return leave_for_g0(g, stopped_at);
  const Entry next = pick();
  move<GState::runnable, GState::running>(*next.g);
  if (next.g != &g) return go_on_with(next, g, stopped_at);
  enter(g);
}

void Scheduler::leave_for_g0(G& g, FiberContext& stopped_at) {
  M& m = *current_m_;
  m.current_g.store(nullptr, std::memory_order_relaxed);
  switch_by_loop();
  switch_context(*eh_, stopped_at, g.stack->notes, m.g0.context, m.g0.notes);
}

void Scheduler::look_soon() noexcept {
  next_look_.store(switches_, std::memory_order_relaxed);
  switch_by_loop();
}

void Scheduler::look_outside() {
  plan_next_look(std::exchange(coarse_now_, clock_.now()));
  if (coarse_now_ >= return_memory_at_) return_memory();
  drain_outside();
  if (interrupted_.load(std::memory_order_relaxed)) serve_interrupt();
  guarded([this] {
    timers_.fire_due(coarse_now_);
    // A hold is taken for what the poller does not count.
    if (!in_turn() && (holds_ != 0 || !poller_.is_quiet())) poller_.poll(Instant::far_past());
  });
}

// A look from a G's own stack, which saves two switches where it finds nothing: no timer is due,
// nobody outside has sent anything, and the poller says that it need not be asked. True: it did,
// and the fast path is open again. False: it is for g0, to look or for another reason.
bool Scheduler::looked_here() {
  const bool only_to_look = must_look() && current() != nullptr && !run_queue_.empty() &&
                            may_switch_directly() && !in_turn() && !stopping_ &&
                            failure_ == nullptr && !current_m_->leaving;
  if (!only_to_look || holds_ != 0 || !poller_.is_quiet() ||
      outside_.load(std::memory_order_relaxed) != nullptr ||
      interrupted_.load(std::memory_order_relaxed))
    return false;
  // Where nothing waits for a time, and turns are short, one look in some needs no clock.
  constexpr std::uint64_t kSwitchesPerClock = 16 * kSwitchesPerLook;
  if (timers_.empty() && switches_per_look_ == kSwitchesPerLook &&
      switches_ - looked_at_ < kSwitchesPerClock) {
    next_look_.store(switches_ + kSwitchesPerLook, std::memory_order_relaxed);
    direct_until_.store(switches_ + kSwitchesPerLook, std::memory_order_relaxed);
    return true;
  }
  const Instant now = clock_.now();
  if (now >= timers_.next_deadline() || now >= return_memory_at_) return false;
  plan_next_look(std::exchange(coarse_now_, now));
  direct_until_.store(next_look_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  if (must_look()) switch_by_loop();  // A tick came in between.
  return may_go_direct();
}

// How many switches to make without a look: as many as took kTimePerLook in the interval that ends
// now, at most kSwitchesPerLook, and about twice as many as last time at most, so that one short
// interval does not make the next one long. So a switch reads no clock, and where turns take longer
// than kTimePerLook timers are looked at after each. Turns that suddenly get longer are noticed
// after one interval, or by the tick. A Chooser orders by switches alone: it must not see how fast
// the machine is.
void Scheduler::plan_next_look(Instant before) {
  const std::uint64_t switches = switches_ - std::exchange(looked_at_, switches_);
  const Duration took = coarse_now_ - before;
  if (chooser_ != nullptr) {
    switches_per_look_ = kSwitchesPerLook;
  } else if (switches > 0) {
    const auto took_ns = static_cast<std::uint64_t>(std::max<std::int64_t>(took.ns, 1));
    const auto per_look = static_cast<std::uint64_t>(kTimePerLook.ns) * switches / took_ns;
    const auto most = std::min<std::uint64_t>(kSwitchesPerLook, 2 * switches_per_look_ + 1);
    switches_per_look_ = std::min(per_look, most);
  }
  next_look_.store(switches_ + switches_per_look_, std::memory_order_relaxed);
  const auto turn = std::max<std::uint64_t>(switches_per_look_, 1);
  if (in_turn()) turn_end_ = std::min(turn_end_, switches_ + turn);
}

// A step each millisecond until all that lay unused for a period is with the system, then nothing
// until the next period ends.
void Scheduler::return_memory() {
  bool more = false;
  for (const auto& pool : pools_) more |= pool->return_some();
  if (!more) {
    for (const auto& pool : pools_) {
      pool->end_period();
      more |= pool->return_some();
    }
  }
  return_memory_at_ = coarse_now_ + (more ? milliseconds(1) : kMemoryPeriod);
}

// How long the loop may wait: it comes back for much unused memory, and else only for a timer.
// Where a Chooser decides when time goes on, only for a timer.
Instant Scheduler::wait_until() const {
  const Instant deadline = timers_.next_deadline();
  const bool idle = std::any_of(pools_.begin(), pools_.end(),
                                [](const auto& pool) { return pool->has_much_idle(); });
  return idle && chooser_ == nullptr ? std::min(deadline, return_memory_at_) : deadline;
}

// The G that gave way is the last in the queue. Those that the look readies were due before it gave
// way, or may have been: they run before it. Not where a chooser says who runs.
void Scheduler::look_before_it_that_gave_way() {
  const std::size_t queued = run_queue_.size();
  look_outside();
  const G* gave_way = std::exchange(gave_way_, nullptr);
  const bool overtaken = gave_way != nullptr && chooser_ == nullptr && queued > 0 &&
                         run_queue_.size() > queued && run_queue_.peek(queued - 1) == gave_way;
  if (overtaken) run_queue_.move_to_end(queued - 1);
}

// An exception of a timer or of an embedder's handler ends the run, as one of a G does.
template <class F>
void Scheduler::guarded(F&& f) {
  try {
    f();
  } catch (...) {
    fail(std::current_exception(), 0);
  }
}

// Returns false when no event, timer or outsider can ever make a G or an M runnable.
bool Scheduler::wait_outside() {
  look_outside();
  if (!run_queue_.empty() || !m_ring_.empty() || stopping_ || failure_ != nullptr) return true;
  if (timers_.empty() && poller_.waits() == 0 && holds_ == 0) return false;
  if (in_turn()) {
    end_ = {RunEnd::waiting, {}};
    return true;
  }
  guarded([this] { poller_.poll(wait_until()); });
  look_soon();  // Time has passed: look before running.
  return true;
}

void Scheduler::stop() {
  stopping_ = true;
  look_soon();
}

// --- from outside: other threads and signal handlers ---

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
    if (g.is_waiting() && g.wait_reason == WaitReason::outside) {
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

// --- sinks, choosers, and the embedder's loop ---

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

// --- what reports are made of ---

Census Scheduler::census() {
  Census census{.gs = {},
                .ms = {},
                .current_m = current_m_,
                .runnable = runnable(),
                .switches = switches_,
                .now = coarse_now_,
                .since_start = coarse_now_ - started_at_};
  for_each_g([&](const G& g) { census.gs.push_back(&g); });
  std::sort(census.gs.begin(), census.gs.end(),
            [](const G* a, const G* b) { return a->id < b->id; });
  for_each_m([&](const M& m) { census.ms.push_back(&m); });
  return census;
}

}  // namespace weft
