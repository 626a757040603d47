// SPDX-License-Identifier: Apache-2.0
// The scheduler: many Gs on one OS thread, first in, first out.
//
// A G enters by spawn() and waits in the run queue; it gets its stack when it first runs. A G that
// gives up the thread (yield, park, return) takes the next G from the queue and switches to it
// directly, stack to stack. The thread goes to g0, the loop in scheduler.cpp, only when there is no
// next G or when it is time to look at timers and I/O; docs/scheduler.md numbers the loop's phases.
// A parked G is in no queue: what it waits for keeps its G& and calls ready(). A switch reads no
// clock, polls nothing and allocates nothing, and no event's handler runs a G.
//
// The guarantee: with n runnable Gs and no Chooser, each runs at least once in every n switches, or
// 2 n + kNextWindow with ready_next(). Timers, I/O and readiness from outside are looked at once in
// every kSwitchesPerLook switches at least, and about every kTimePerLook where turns are long, but
// never within a turn: see look_outside().
//
// Emulated OS threads, Ms, take turns on the one real thread: scheduler/m.h, scheduler/m_turns.cpp.
// A program that asks for none has M0 alone and pays nothing for the others.
//
// From: the scheduler's thread, on a G or not, unless it says otherwise.
//
// Invariants:
//   I1. A G is in run_queue_ exactly when it is runnable. Its context there is null exactly when it
//       has not run yet.
//   I2. current_m_ is the one running M; its current_g is the G that runs, or nullptr while its g0
//       does.
//   I3. live_ counts the Gs that are runnable, running or waiting.
//   I4. run_queue_ and timers_ have room for live_ and mcount_ entries: push and sleep allocate
//       nothing.
//   I5. An M is on m_ring_ exactly when it is runnable, on idle_ms_ exactly when it is idle.
//   I6. p_ is the M that may run Gs from run_queue_; it is running or runnable, and not locked to a
//       G.
//   I7. kills_ counts the live Gs that have a kKill request. While it is not 0, switches go the
//       slow way, which looks at requests.
#pragma once

#include <concepts>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/inline.h"
#include "base/unwinding.h"
#include "scheduler/callable_blocks.h"
#include "scheduler/chooser.h"
#include "scheduler/event.h"
#include "scheduler/g.h"
#include "scheduler/g_pool.h"
#include "scheduler/m.h"
#include "scheduler/m_hooks.h"
#include "scheduler/poller.h"
#include "scheduler/random.h"
#include "scheduler/run_queue.h"
#include "scheduler/timers.h"

namespace weft {

// Go's number: prime, so that it falls in with no program's own period.
inline constexpr int kSwitchesPerLook = 61;
// The average time between two looks, where turns are shorter than that.
inline constexpr Duration kTimePerLook = microseconds(100);
// How long memory of ended Gs lies unused before it goes back to the system.
inline constexpr Duration kMemoryPeriod = seconds(1);
#if defined(WEFT_ASAN)
inline constexpr std::size_t kStackBytes = 256 * 1024;  // ASan's redzones make frames larger.
#else
inline constexpr std::size_t kStackBytes = 64 * 1024;  // A G's, unless SpawnOptions differ.
#endif

struct Census;

struct SpawnOptions {                     // What a G is given.
  std::string_view name = {};             // Cut to kGNameMax - 1 bytes.
  std::size_t stack_bytes = kStackBytes;  // Power of two from 16 KiB to 1 GiB; includes the G.
  void (*on_exit)(G& g, void* context) = nullptr;  // On its stack when dead. May not park.
  void* on_exit_context = nullptr;                 // Given to on_exit.
  void* owner = nullptr;                           // Kept as g.owner.
};

// How a run ended.
enum class RunEnd : std::uint8_t {
  finished,  // No G is left.
  stopped,   // stop() was called; run() may be called again.
  deadlock,  // Every G is parked and nothing can ready one. The Gs are still there.
  fatal,     // The scheduler can't go on for another reason: too many Ms.
  // Of run_turn() only:
  turn_over,  // Gs are runnable still.
  waiting,    // Nothing is, until next_deadline() or an event.
};

struct RunResult {  // What a run gives back.
  RunEnd end;       // How it ended.
  // Deadlock and fatal: Go's text and a dump of every G and M. Else, and after run_turn(), empty.
  std::string report;
};

// Runs Gs, and emulated OS threads, on the thread that calls run().
class Scheduler {
 public:
  struct Config {                            // How it is made.
    GuardKind guard = GuardKind::automatic;  // What lies below each stack.
    std::uint64_t seed = 1;                  // Of random().
  };

  // The clock and the poller must live longer than the scheduler.
  Scheduler(Clock& clock, Poller& poller) : Scheduler(clock, poller, Config{}) {}
  Scheduler(Clock& clock, Poller& poller, Config config);
  // Kills the Gs that are left and runs them to their end, so that their destructors run. Not on a
  // G.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Makes a runnable G that calls f(). Until it first runs the G takes 128 bytes, and a block for f
  // where that is larger than 24 bytes; nothing is allocated when a G of that stack size has ended
  // and such a block is free. Fails when the system has no memory for that, or no address space for
  // one more stack: a G that was made can always run, since its stack is set aside here, and taken
  // when it first runs. An exception that leaves f ends run() with it.
  template <std::invocable F>
  Result<G*> spawn(F&& f, const SpawnOptions& options = {});

  // Runs Gs on the calling thread until none is left, all are deadlocked, or stop(). Not on a G.
  // Rethrows the exception that left a G; the other Gs stay as they are.
  RunResult run();

  // As run(), for an embedder's loop (os/turns.h): returns after this many switches or a few more,
  // or when nothing is runnable. Never waits and never polls; that is the embedder's work.
  RunResult run_turn(std::uint64_t switches);

  // Sets what to call, with this context, when a G becomes runnable outside run() and run_turn();
  // nullptr: nothing.
  void on_runnable(void (*f)(void* context), void* context);

  // Makes run() return when the running G next gives up the thread.
  void stop();

  // Kills every G and M that is left and runs them to their end, so that their destructors run. Not
  // inside run(). Call it while the objects that they use still exist. The destructor does it too.
  void wind_up();

  // --- on a G ---

  // Puts the running G at the tail of the queue and runs the next. Throws Killed when the G was
  // killed meanwhile.
  void yield();

  // Parks the running G until ready(). The caller has stored its G& for the code that will call
  // ready(). Throws Killed; so a destructor must take the stored G& back.
  void park(WaitReason reason);

  // As park, but no longer than the deadline. Returns false when the deadline came first.
  bool park_until(WaitReason reason, Instant deadline);

  // Parks until the deadline; returns at once, without a yield, when it has passed (as Go's Sleep).
  void sleep_until(Instant deadline);

  // Parks until ready_from_outside() for this G; returns at once when that has been called since
  // the last time. Not a deadlock, whatever the other Gs do.
  void park_for_outside();

  // A safe point: yields if somebody asked the running G to. Costs one load when nobody did.
  void checkpoint();

  // --- on the scheduler's thread, on a G or not ---

  // Makes a parked G runnable, at the tail of the queue. The G must be waiting.
  void ready(G& g);
  // The same at the head: it runs next. Beyond kNextMax times in kNextWindow switches as ready().
  void ready_next(G& g);

  // Makes a G end: it leaves the scheduler call that it is in, or the next one, by throwing Killed.
  WEFT_NEEDS_UNWINDING void kill(G& g);

  // Has the timer, which must not be armed, call its function on g0 at the deadline or soon after.
  void arm(Timer& timer, Instant deadline) { timers_.arm(timer, deadline); }
  bool cancel(Timer& timer) { return timers_.cancel(timer); }  // False: it was not armed.

  // Ends run() with this exception, as if it had left that G. For code that can't handle it there.
  void fail(std::exception_ptr failure, std::uint64_t g_id);

  // The id of the G whose exception the last run() threw, or 0.
  [[nodiscard]] std::uint64_t failed_g_id() const { return failed_g_id_; }

  // Random numbers: a function of Config::seed.
  [[nodiscard]] Random& random() { return random_; }
  // One of n > 1 equal things, as the ready cases of a select: the Chooser's decision, else chance.
  std::uint32_t one_of(std::uint32_t n) {
    return chooser_ != nullptr ? chooser_->one_of(n, random_) : random_.below(n);
  }

  // The running G, or nullptr on g0.
  [[nodiscard]] G* current() const { return current_m_->current_g.load(std::memory_order_relaxed); }
  [[nodiscard]] Instant now() const { return clock_.now(); }        // Reads the clock.
  [[nodiscard]] bool running() const { return running_; }           // Inside run() or run_turn().
  [[nodiscard]] std::size_t live() const { return live_; }          // Gs that have not ended.
  [[nodiscard]] std::uint64_t spawned() const { return last_id_; }  // How many Gs, ever.
  [[nodiscard]] std::size_t runnable() const { return run_queue_.size(); }  // Wait for a turn.
  [[nodiscard]] const RunQueue& run_queue() const { return run_queue_; }    // Of those.
  [[nodiscard]] std::uint64_t switches() const { return switches_; }        // So far.
  [[nodiscard]] Instant started_at() const { return started_at_; }          // When it was made.
  // Of the timer that is due first; far_future() when there is none.
  [[nodiscard]] Instant next_deadline() const { return timers_.next_deadline(); }
  // Would a timer fire if the running G gave way? Where a chooser says when a G does: no.
  [[nodiscard]] bool is_timer_due(Instant at) const {
    return chooser_ == nullptr && next_deadline() <= at;
  }
  [[nodiscard]] Instant coarse_now() const { return coarse_now_; }  // As of the last look outside.

  // Every G and M, and the counters, as they are now: for scheduler/report.h.
  [[nodiscard]] Census census();

  // Calls f(G&) for every G that is runnable, running or waiting, in no particular order.
  template <class F>
  void for_each_g(F&& f);

  void set_chooser(Chooser* chooser);    // nullptr: FIFO.
  void set_event_sink(EventSink* sink);  // Is told of each switch; nullptr: none.
  [[nodiscard]] EventSink* event_sink() const { return doorbell_.behind; }  // As it was set.

  // While a hold is taken, all Gs parked is not a deadlock: an event from outside may ready one.
  void hold() { ++holds_; }
  void release_hold() { --holds_; }

  // --- Ms ---

  [[nodiscard]] M& current_m() const { return *current_m_; }    // The one that has the thread.
  [[nodiscard]] std::size_t mcount() const { return mcount_; }  // How many there are, with M0.

  // Makes an M that calls start(argument) on its g0, as a thread of its own without a G, when its
  // turn comes; it ends when start returns. Fails beyond kMsMax, with Go's text, and when there is
  // no memory for its stack.
  Result<M*> new_m(MStart start, void* argument);

  // Passes the thread to the next runnable M; with no other, looks at timers and I/O once. The
  // current G, if there is one, stays current and running.
  void yield_m();

  // Puts the current M to sleep, with its G, until wake_m or the deadline. Other Ms run meanwhile;
  // when Gs wait and no other M can run them, one is made. Returns false when it was the deadline.
  // Throws Killed.
  bool sleep_m(const char* reason, Instant deadline);

  // Ends the sleep of an M that is sleeping.
  void wake_m(M& m);

  // LockOSThread: until unlock, the running G runs on this M only, and this M runs no other G. If
  // the G ends locked, so does its M (but M0). Calls nest.
  void lock_os_thread();
  void unlock_os_thread();

  // Calls f(M&) for each M, M0 first. Dead ones excluded.
  template <class F>
  void for_each_m(F&& f);

  void set_hooks(MHooks* hooks) { hooks_ = hooks; }  // nullptr: none.

  // --- from anywhere: other threads, signal handlers ---

  // Ends a park_for_outside() of this G, the one under way or else the next one. Several calls
  // before the G has run are one. The G must not have ended.
  void ready_from_outside(G& g) noexcept;

  // Asks a G to yield at its next checkpoint.
  static void request_preempt(G& g) noexcept { g.requests.fetch_or(kPreempt); }

  // Asks the current G of an M, if there is one, to yield at its next checkpoint. A G that has just
  // left the M instead yields once more than it had to.
  static void preempt_m(M& m) noexcept {
    if (G* g = m.current_g.load(std::memory_order_acquire)) request_preempt(*g);
  }

  // Makes the loop call f(context) on g0, soon and once, however often it was asked meanwhile.
  void interrupt() noexcept;
  // Says what f is; nullptr: nothing. On the scheduler's thread.
  void on_interrupt(void (*f)(void* context), void* context);

  // The next switch is one by the loop, which looks outside. On the scheduler's thread, also from a
  // signal handler there.
  void look_soon() noexcept;

  // The largest number of stacks that Gs have had at once.
  [[nodiscard]] std::size_t stacks_made() const;

  // Does a guard page lie below the stack of this G, which has run? Code that may use any amount of
  // stack must not run without one.
  [[nodiscard]] bool has_guard(const G& g) const;

  // The size of the stack whose guard page this address lies in, or 0. From a handler of a signal
  // that this thread raised itself: a fault.
  [[nodiscard]] std::size_t stack_of_guard(const void* address) const noexcept;

 private:
  using Entry = RunQueue::Entry;

  static void g_main();
  Result<G*> take_idle(std::size_t stack_bytes);
  void make_runnable(G& g, const SpawnOptions& options);
  FiberContext first_context(G& g);
  void destroy_locals(G& g);
  G& exit(G& g);

  template <GState from, GState to>
  void move(G& g);
  template <GState from, GState to>
  static void move_unseen(G& g);
  Entry pick();
  [[nodiscard]] bool may_go_direct() const {
    return switches_ < direct_until_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool may_switch_directly() const {
    return m_ring_.empty() && locked_gs_ == 0 && kills_ == 0 && chooser_ == nullptr &&
           sink_ == nullptr;
  }
  void switch_by_loop() noexcept { direct_until_.store(0, std::memory_order_relaxed); }
  [[nodiscard]] bool must_look() const {
    return switches_ >= next_look_.load(std::memory_order_relaxed);
  }
  void enter(G& next);
  void go_on_with(Entry next, G& from, FiberContext& stopped_at);
  void yield_slowly();
  void park_slowly(WaitReason reason);
  [[nodiscard]] bool needs_g0() const;
  void leave_slowly(G& g, FiberContext& stopped_at);
  void leave_for_g0(G& g, FiberContext& stopped_at);
  void resume_on(M& m, G& g, FiberContext context);
  void serve_requests(G& g);
  static bool may_unwind();
  template <class F>
  void guarded(F&& f);

  void abandon();
  RunResult run_on_this_thread();
  RunResult run_until(std::uint64_t turn_end);
  [[nodiscard]] bool in_turn() const { return turn_end_ != kNoTurn; }
  void choose_sink();
  void schedule(M& m);
  bool ended();
  void execute(Entry next);
  void look_outside();
  void plan_next_look(Instant before);
  bool looked_here();
  void look_before_it_that_gave_way();
  bool wait_outside();
  void return_memory();
  [[nodiscard]] Instant wait_until() const;
  void drain_outside();
  void serve_interrupt();

  static void m_main(void* m);
  Result<M*> make_m(MStart start, void* argument);
  Result<M*> take_m();
  void move_m(M& m, MState from, MState to);
  void give_way(M& m);
  void leave_to_g0();
  void pass_thread(bool for_good = false);
  bool take_p(M& m);
  void start_m();
  [[noreturn]] void exit_m(M& m);
  void hand_over(G& g);
  void exit_locked(G& g);
  void end_run(RunEnd end, std::string_view text);
  void unlock_all();
  void dismiss_ms();
  void destroy_ms();

  // Written on every switch.
  M* current_m_ = &m0_;
  // As switches_: until then a switch goes straight from G to G. 0 while it must not: on g0, while
  // other Ms are runnable, a G is locked to its M or killed, or there is a chooser or a sink. So a
  // switch looks at this one word. As next_look_, also written by the tick's signal handler.
  std::atomic<std::uint64_t> direct_until_ = 0;
  std::uint64_t switches_ = 0;
  EhGlobals* eh_ = nullptr;  // Of the thread that is in run().
  std::size_t kills_ = 0;    // I7
  RunQueue run_queue_;

  Chooser* chooser_ = nullptr;
  EventSink* sink_ = nullptr;

  // Written by spawn, exit and the loop.
  std::size_t live_ = 0;
  std::size_t room_ = 0;  // For how many live Gs there is room (I4).
  std::uint64_t last_id_ = 0;
  std::vector<std::unique_ptr<GPool>> pools_;  // One for each size of stack.
  CallableBlocks blocks_;
  FiberContext ended_at_ = nullptr;  // Where a G stopped that has ended: never read.
  TimerHeap timers_;
  Instant coarse_now_;
  Instant started_at_;
  Instant return_memory_at_;  // When to look at memory that is not used.
  std::size_t holds_ = 0;
  std::atomic<std::uint64_t> next_look_ = 0;  // As switches_: when the loop must look outside.
  std::uint64_t looked_at_ = 0;               // As switches_: when it did last.
  std::uint64_t switches_per_look_ = kSwitchesPerLook;
  NextTurns next_turns_;
  G* gave_way_ = nullptr;  // The last in the queue, when a look is due.
  static constexpr std::uint64_t kNoTurn = ~std::uint64_t{0};
  std::uint64_t turn_end_ = kNoTurn;  // As switches_: when run_turn() returns.
  Doorbell doorbell_;
  bool running_ = false;
  bool stopping_ = false;
  std::exception_ptr failure_;  // Left a G; run() rethrows it.
  std::uint64_t failed_g_id_ = 0;
  Random random_;

  // Ms.
  List<M, MListTag> m_ring_;
  List<M, MListTag> idle_ms_;
  M* p_ = nullptr;
  std::size_t mcount_ = 1;
  std::size_t threads_ = 0;    // Ms with a start function of their own, not ended.
  std::size_t locked_gs_ = 0;  // Gs that are locked to their Ms.
  std::int64_t last_m_id_ = 0;
  StackPool m_stacks_;
  M* free_ms_ = nullptr;
  MHooks* hooks_ = nullptr;
  std::optional<RunResult> end_;  // How the run ended, for M0 to return.
  bool dying_ = false;

  // Written from anywhere.
  std::atomic<G*> outside_ = nullptr;  // Linked by outside_next, last in first.
  std::atomic<bool> interrupted_ = false;

  // Whom interrupt() calls.
  void (*interrupt_)(void* context) = nullptr;
  void* interrupt_context_ = nullptr;

  // Set at construction.
  Clock& clock_;
  Poller& poller_;
  const Config config_;
  M m0_;
};

// Go's limit (sched.maxmcount), and its words for the two fatal ends.
inline constexpr std::size_t kMsMax = 10'000;
inline constexpr const char* kDeadlock = "fatal error: all goroutines are asleep - deadlock!";
inline constexpr const char* kThreadExhaustion =
    "runtime: program exceeds 10000-thread limit\nfatal error: thread exhaustion";

// The scheduler whose run() is on this thread's stack, or nullptr.
inline thread_local constinit Scheduler* scheduler_of_thread = nullptr;

// --- the path of a switch ---
//
// Yield, park, ready, and how the next G is picked and entered. All of it is inlined into the
// caller (base/inline.h says why), so it stands in a header. What is not on this path is in
// scheduler.cpp and m_turns.cpp.

template <std::invocable F>
Result<G*> Scheduler::spawn(F&& f, const SpawnOptions& options) {
  using Callable = std::decay_t<F>;
  using Place = GCallable<Callable>;
  static_assert(sizeof(Callable) <= CallableBlocks::kBytesMax, "capture less");
  static_assert(alignof(Callable) <= CallableBlocks::kAlignment);
  Result<G*> taken = take_idle(options.stack_bytes);
  if (!taken) return taken;
  G& g = **taken;
  void* at = g.callable;
  if constexpr (!Place::kIsInG) {
    at = blocks_.take(sizeof(Callable));
    if (at != nullptr) new (g.callable) void*(at);
  }
  struct Undo {  // When there is no block, or f's constructor throws.
    Scheduler& scheduler;
    G* g;
    void* block;
    ~Undo() {
      if (g == nullptr) return;
      if (block != nullptr) scheduler.blocks_.give_back(block, sizeof(Callable));
      scheduler.pools_[g->pool]->put(*g);
    }
  } undo{*this, &g, Place::kIsInG ? nullptr : at};
  if (at == nullptr) return Error{"no memory for what a G is to call"};
  new (at) Callable(std::forward<F>(f));
  undo.g = nullptr;
  g.run = [](G& self, bool call) {
    struct Destroy {
      Callable* callable;
      ~Destroy() {
        callable->~Callable();
        if constexpr (!Place::kIsInG)
          scheduler_of_thread->blocks_.give_back(callable, sizeof(Callable));
      }
    } callable{Place::of(self)};
    if (call) (*callable.callable)();
  };
  make_runnable(g, options);
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
    pool->for_each([&f](G& g) {
      if (g.at_rest_ != GState::dead && g.at_rest_ != GState::idle) f(g);
    });
  }
}

// A G changes its state in one of two places: here, while a sink may watch, ...
template <GState from, GState to>
WEFT_INLINE void Scheduler::move(G& g) {
  move_unseen<from, to>(g);
  if (sink_ != nullptr) [[unlikely]]
    sink_->on_event({g, from, to});
}

// ... and here. Its M knows that a G runs: nothing is written for it, so a yield writes nothing.
template <GState from, GState to>
WEFT_INLINE void Scheduler::move_unseen(G& g) {
  static_assert(may_move(from, to), "g_state.h allows no such move");
  constexpr GState kBefore = from == GState::running ? GState::runnable : from;
  constexpr GState kAfter = to == GState::running ? GState::runnable : to;
  WEFT_CHECK(g.at_rest_ == kBefore, "a G was not in the state that its mover thought");
  if constexpr (kBefore != kAfter) g.at_rest_ = kAfter;
}

WEFT_INLINE RunQueue::Entry Scheduler::pick() {
  run_queue_.prefetch_stack();
  if (chooser_ != nullptr) [[unlikely]]
    return run_queue_.take(chooser_->next_g(run_queue_));
  return run_queue_.pop();
}

// Makes `next`, whose state is running by now, the current G of the current M.
WEFT_INLINE void Scheduler::enter(G& next) {
  // Release: preempt_m, which reads it from outside, sees a G that is made.
  current_m_->current_g.store(&next, std::memory_order_release);
  ++switches_;
}

// Gives the thread to `next`, another one, straight from a G that has given it up.
WEFT_INLINE void Scheduler::go_on_with(Entry next, G& from, FiberContext& stopped_at) {
  if (next.context == nullptr) [[unlikely]]
    next.context = first_context(*next.g);
  enter(*next.g);
  switch_context(*eh_, stopped_at, from.stack->notes, next.context, next.g->stack->notes);
}

WEFT_INLINE void Scheduler::yield() {
  if (!may_go_direct()) [[unlikely]]
    return yield_slowly();
  if (run_queue_.empty()) {  // Its turn follows its turn.
    ++switches_;
    return;
  }
  G& g = *current();
  run_queue_.prefetch_stack();
  FiberContext& stopped_at = run_queue_.push_unchecked(g);
  go_on_with(run_queue_.pop(), g, stopped_at);
  if (kills_ != 0) [[unlikely]]
    serve_requests(g);
}

WEFT_INLINE void Scheduler::park(WaitReason reason) {
  if (!may_go_direct() || run_queue_.empty()) [[unlikely]]
    return park_slowly(reason);
  G& g = *current();
  g.wait_reason = reason;
  g.waiting_since = coarse_now_;
  move_unseen<GState::running, GState::waiting>(g);
  run_queue_.prefetch_stack();
  go_on_with(run_queue_.pop(), g, g.context);
  if (kills_ != 0) [[unlikely]]
    serve_requests(g);
}

WEFT_INLINE void Scheduler::ready(G& g) {
  move<GState::waiting, GState::runnable>(g);
  run_queue_.push(g) = g.context;
}

WEFT_INLINE void Scheduler::checkpoint() {
  G* g = current();  // nullptr on the g0 of a thread, which is never asked to yield.
  if (g == nullptr) return;
  if (chooser_ != nullptr && chooser_->at_safe_point(*g, run_queue_)) [[unlikely]]
    request_preempt(*g);
  if (g->requests.load(std::memory_order_relaxed) != 0) [[unlikely]] {
    // It may have run for long, perhaps alone: time and events come first, and the Gs that they
    // ready run before it.
    look_soon();
    yield();
  }
}

}  // namespace weft
