// SPDX-License-Identifier: Apache-2.0
// The loop that runs on g0, and everything that is not on the yield path. The phases of schedule()
// are numbered as in docs/scheduler.md.
#include "scheduler/scheduler.h"

#include <algorithm>

#include "scheduler/report.h"

#if defined(WEFT_ASAN)
#include <sanitizer/asan_interface.h>
#endif

namespace weft {

Scheduler::Scheduler(Clock& clock, Poller& poller, Config config)
    : random_(config.seed),
      m_stacks_({.slot_bytes = kStackBytes, .header_bytes = sizeof(M), .guard = config.guard}),
      clock_(clock),
      poller_(poller),
      config_(config) {
  run_queue_.reserve(1);
  coarse_now_ = started_at_ = clock_.now();
}

Scheduler::~Scheduler() {
  wind_up();
  destroy_ms();
}

void Scheduler::wind_up() {
  WEFT_CHECK(!running_, "a scheduler was ended while it ran");
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
  RunResult result = run_on_this_thread();
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
      switch_fiber(m.g0, g->fiber);
      continue;
    }
    // 4. Right: only one M at a time runs Gs from the queue. Another one's: this M is idle.
    if (!take_p(m)) continue;
    // 5. Look: readiness from outside, timers, I/O; at least every kSwitchesPerLook switches.
    if (must_look()) look_behind_preempted();
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
  // A turn's deadlock is none if the other loop goes on to ready a G; it may come often.
  const bool told = !in_turn() || end != RunEnd::deadlock;
  end_ = {end, told ? fatal_report(census(), text) : std::string()};
}

void Scheduler::execute(G& g) {
  if (g.locked_m != nullptr && g.locked_m != current_m_) return hand_over(g);
  const bool may_go_direct =
      m_ring_.empty() && locked_gs_ == 0 && chooser_ == nullptr && sink_ == nullptr;
  direct_until_.store(may_go_direct ? next_look_.load(std::memory_order_relaxed) : 0,
                      std::memory_order_relaxed);
  if (must_look()) switch_by_loop();  // A tick came in between.
  move(g, GState::runnable, GState::running);
  enter(g);
  switch_fiber(current_m_->g0, g.fiber);
}

// Off the fast path: once in kSwitchesPerLook switches, when no other G is runnable, and whenever
// somebody watches, chooses or wants the thread.
[[gnu::noinline]] void Scheduler::yield_slowly(G& g) {
  move(g, GState::running, GState::runnable);
  run_queue_.push(g);
  leave_slowly(g);
}

[[gnu::noinline]] void Scheduler::park_slowly(G& g) {
  move(g, GState::running, GState::waiting);
  leave_slowly(g);
}

// To the next G, as the chooser says, or to g0 if that has something to do.
void Scheduler::leave_slowly(G& g, bool for_good) {
  const bool g0_is_needed = must_look() || run_queue_.empty() || !m_ring_.empty() ||
                            locked_gs_ > 0 || current_m_->leaving;
  if (!g0_is_needed) {
    G& next = pick();
    move(next, GState::runnable, GState::running);
    enter(next);
    if (&next != &g) switch_fiber(g.fiber, next.fiber, for_good);
    return;
  }
  current_m_->current_g.store(nullptr, std::memory_order_relaxed);
  switch_fiber(g.fiber, current_m_->g0, for_good);
}

void Scheduler::look_soon() noexcept {
  next_look_.store(switches_, std::memory_order_relaxed);
  switch_by_loop();
}

void Scheduler::look_outside() {
  next_look_.store(switches_ + kSwitchesPerLook, std::memory_order_relaxed);
  coarse_now_ = clock_.now();
  drain_outside();
  if (interrupted_.load(std::memory_order_relaxed)) serve_interrupt();
  guarded([this] {
    timers_.fire_due(coarse_now_);
    if (!in_turn()) poller_.poll(Instant::far_past());
  });
}

// A G that was preempted is the last in the queue: after the look, behind those that it readied.
// Not where a chooser says who runs.
void Scheduler::look_behind_preempted() {
  const std::size_t queued = run_queue_.size();
  look_outside();
  const G* preempted = std::exchange(preempted_, nullptr);
  const bool overtaken = preempted != nullptr && chooser_ == nullptr && queued > 0 &&
                         run_queue_.size() > queued && run_queue_.peek(queued - 1) == preempted;
  if (overtaken) run_queue_.move_to_end(queued - 1);
}

// What a timer or an embedder's handler throws ends the run, as what a G throws does.
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
  guarded([this] { poller_.poll(timers_.next_deadline()); });
  look_soon();  // Time has passed: look before running.
  return true;
}

void Scheduler::stop() {
  stopping_ = true;
  look_soon();
}

// --- the life of a G ---

Result<G*> Scheduler::take_idle(std::size_t stack_bytes) {
  auto pool = std::find_if(pools_.begin(), pools_.end(),
                           [&](const auto& p) { return p->stacks().slot_bytes() == stack_bytes; });
  if (pool == pools_.end()) {
    pool = pools_.insert(pool, std::make_unique<GPool>(stack_bytes, config_.guard));
  }
  return (*pool)->take();
}

void Scheduler::make_runnable(G& g, void* stack_top, const SpawnOptions& options) {
  if (g.state == GState::dead) move(g, GState::dead, GState::idle);
#if defined(WEFT_ASAN)
  // The frames that were left for good when the last owner of this stack ended are still poisoned.
  ASAN_UNPOISON_MEMORY_REGION(g.bottom,
                              static_cast<std::size_t>(static_cast<std::byte*>(stack_top) -
                                                       static_cast<std::byte*>(g.bottom)));
#endif
  g.fiber.prepare(g.bottom, stack_top, &g_main, &g);
  g.id = ++last_id_;
  g.switches = 0;
  g.sampled_cpu = {};
  g.requests = 0;
  g.outside_permit = false;
  g.ending = false;
  g.wait_reason = WaitReason::none;
  g.on_exit = options.on_exit;
  g.on_exit_context = options.on_exit_context;
  g.owner = options.owner;
  g.name[options.name.copy(g.name, kGNameMax - 1)] = '\0';
  ++live_;
  run_queue_.reserve(live_);                 // I4
  timers_.reserve(2 * live_ + mcount_ + 1);  // I4: deadlines of guests, too.
  move(g, GState::idle, GState::runnable);
  run_queue_.push(g);
}

namespace {

// On its G's own stack: as it goes, a value may use the scheduler and make others.
void destroy_locals(G& g) {
  while (GLocalValue* value = g.locals) {
    g.locals = value->next;
    value->destroy(value);
  }
}

}  // namespace

void Scheduler::g_main(void* argument) {
  G& g = *static_cast<G*>(argument);
  const bool killed = (g.requests.load(std::memory_order_relaxed) & kKill) != 0;
  try {
    g.run(g, !killed);
  } catch (const Killed&) {
    // It has unwound: what was asked for.
  } catch (...) {
    scheduler_of_thread->fail(std::current_exception(), g.id);
  }
  g.ending = true;
  if (g.locals != nullptr) destroy_locals(g);
  scheduler_of_thread->exit(g);
}

void Scheduler::fail(std::exception_ptr failure, std::uint64_t g_id) {
  failure_ = std::move(failure);
  failed_g_id_ = g_id;
  look_soon();
}

void Scheduler::exit(G& g) {
  move(g, GState::running, GState::dead);
  --live_;
  if (g.locked_m != nullptr) exit_locked(g);
  if (g.on_exit != nullptr) g.on_exit(g, g.on_exit_context);
  if (g.locals != nullptr) destroy_locals(g);  // Of on_exit.
  // What is on its way from outside is for this G, not for the next one in this place.
  if (g.in_outside_list.load(std::memory_order_acquire)) drain_outside();
  g.pool.put(g);
  if (may_go_direct() && !run_queue_.empty()) {
    switch_to(run_queue_.pop(), g, true);
  } else {
    leave_slowly(g, true);
  }
  WEFT_CHECK(false, "a dead G was resumed");
  std::abort();
}

std::size_t Scheduler::stack_of_guard(const void* address) const noexcept {
  for (const auto& pool : pools_) {
    if (pool->stacks().in_guard(address)) return pool->stacks().slot_bytes();
  }
  return m_stacks_.in_guard(address) ? m_stacks_.slot_bytes() : 0;
}

// --- requests and deadlines ---

void Scheduler::kill(G& g) {
  g.requests.fetch_or(kKill);
  if (g.state == GState::waiting) ready(g);
  // It may be kept by an M that sleeps.
  if (g.state == GState::running && g.m->state == MState::sleeping) wake_m(*g.m);
}

void Scheduler::serve_requests(G& g) {
  g.requests.fetch_and(static_cast<std::uint8_t>(~kPreempt));
  if ((g.requests.load(std::memory_order_relaxed) & kKill) == 0 || g.ending || !may_unwind())
    return;
  g.requests.fetch_and(static_cast<std::uint8_t>(~kKill));
  throw Killed{};
}

// A second exception while one unwinds this stack would end the process: the kill waits.
bool Scheduler::may_unwind() {
  return fiber_thread.eh->uncaught_exceptions == 0;
}

bool Scheduler::park_until(WaitReason reason, Instant deadline) {
  struct Armed {  // A killed G leaves park by an exception: its timer must not stay behind.
    Scheduler& scheduler;
    SleepTimer& timer;
    ~Armed() { scheduler.cancel(timer); }
  } armed{*this, current()->sleep_timer};
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
  G& g = static_cast<SleepTimer&>(timer).g;
  if (g.state != GState::waiting) return;
  g.sleep_timer.woke = true;
  scheduler_of_thread->ready(g);
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
