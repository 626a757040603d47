// SPDX-License-Identifier: Apache-2.0
// G: a green thread. It lives in two places:
//
//   from spawn to end       G: 128 bytes in a dense array. Its id, what it will call, what it waits
//                           for. A G has nothing else until it first runs.
//   from first run to end   GStack: at the top of its stack (the header of a slot in
//                           scheduler/stack.h), so that it and the frames that a switch touches
//                           share one page.
//
// A switch from G to G touches neither: where a runnable G stopped stands in the run queue.
//
// A G is never freed while its scheduler lives: a dead one goes back to its pool and is used again
// with another id. So a G* stays readable; code that keeps one beyond the G's life compares the id.
// (The memory of many dead Gs goes back to the system; they read as idle then, with id 0.)
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "base/instant.h"
#include "scheduler/fiber.h"
#include "scheduler/g_state.h"
#include "scheduler/m.h"
#include "scheduler/timers.h"
#include "scheduler/wait_reason.h"

namespace weft {

class Scheduler;
struct G;

// Requests to a G that it sees when it next passes a safe point. Set from anywhere, a signal
// handler included.
inline constexpr std::uint8_t kPreempt = 1;  // Yield at the next checkpoint.
inline constexpr std::uint8_t kKill = 2;  // Leave by throwing Killed from the next park or yield.

// Thrown inside a G that was killed, from the scheduler call that it was in, so that its
// destructors run. Code that catches it must rethrow it. Not a std::exception: `catch (const
// std::exception&)` does not see it.
struct Killed {};

// How much of its name a G keeps, the terminator included.
inline constexpr std::size_t kGNameMax = 24;

// One value of one G's own, of a variable that each G has one of (scheduler/local.h). This is its
// head.
struct GLocalValue {
  const void* key;  // Which variable's.
  GLocalValue* next;
  void (*destroy)(GLocalValue* self);
};

// The timer behind a G's sleep: readies the G.
struct SleepTimer : Timer {
  SleepTimer() : Timer(&fire) {}
  static void fire(Timer& timer);
  G* g = nullptr;
  bool woke = false;  // It was the deadline that ended the last park_until.
};

// What a G has once it has run. Made when a stack is first used, and kept with the stack in its
// pool. When the next G gets it, everything is as here, except `bottom`, `current_m` and the notes.
struct alignas(64) GStack {
  GStack(void* stack_bottom, M* const& running_m) : bottom(stack_bottom), current_m(running_m) {}

  void* const bottom;   // Lowest usable address of the stack.
  M* const& current_m;  // The scheduler's M that has the thread.
  M* m = nullptr;       // That keeps this G while it sleeps or gives way; else nullptr.

  // LockOSThread.
  M* locked_m = nullptr;  // The M that alone may run it.
  std::uint32_t locked_count = 0;

  GLocalValue* locals = nullptr;  // Newest first.
  SleepTimer sleep_timer;
  Duration sampled_cpu = {};  // Written by the preemption tick (signals/tick.h).
  [[no_unique_address]] FiberNotes notes;
};

struct alignas(64) G {
  // What it is doing. A G that runs is known by an M's current_g, so that a switch writes nothing
  // here.
  [[nodiscard]] GState state() const {
    const bool runs = at_rest_ == GState::runnable && stack != nullptr &&
                      (stack->m != nullptr ||
                       stack->current_m->current_g.load(std::memory_order_relaxed) == this);
    return runs ? GState::running : at_rest_;
  }
  [[nodiscard]] bool is_waiting() const { return at_rest_ == GState::waiting; }

  // What a park and a ready touch.
  FiberContext context = nullptr;  // Where it stopped, while it waits or an M keeps it.
  GStack* stack = nullptr;         // nullptr before its first run, and when it is dead.
  Instant waiting_since;           // While waiting. As coarse as the loop's last look outside.
  WaitReason wait_reason = WaitReason::none;
  std::atomic<std::uint8_t> requests = 0;  // kPreempt, kKill.
  // While another thread or a signal handler readies it: see Scheduler::ready_from_outside.
  std::atomic<bool> in_outside_list = false;
  bool outside_permit = false;
  bool ending = false;    // Its function has returned: a kill finds nothing more to unwind.
  std::uint8_t pool = 0;  // Which of the scheduler's pools it belongs to.

 private:
  friend class Scheduler;
  GState at_rest_ = GState::idle;  // Its state when it does not run. Scheduler::move writes it.

 public:
  std::atomic<G*> outside_next = nullptr;

  // Set at spawn.
  std::uint64_t id = 0;
  void* owner = nullptr;                   // For the layer above: the guest that runs on this G.
  void (*run)(G& g, bool call) = nullptr;  // Calls (if so told) and destroys the callable.
  void (*on_exit)(G& g, void* context) = nullptr;  // Called when it is dead, on its stack.
  void* on_exit_context = nullptr;
  // The callable itself, or where it is: see GCallable.
  alignas(void*) std::byte callable[24] = {};
  char name[kGNameMax] = {};
};
static_assert(sizeof(G) == 128, "what waits for its first turn is 128 bytes");

// Where a G keeps a callable of this type: in itself, or, when it is larger than that, in a block.
template <class Callable>
struct GCallable {
  static constexpr bool kIsInG =
      sizeof(Callable) <= sizeof(G::callable) && alignof(Callable) <= alignof(void*);

  static Callable* of(G& g) {
    void* at = g.callable;
    if constexpr (!kIsInG) at = *std::launder(static_cast<void**>(at));
    return std::launder(static_cast<Callable*>(at));
  }
};

}  // namespace weft
