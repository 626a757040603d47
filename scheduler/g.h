// SPDX-License-Identifier: Apache-2.0
// G: a green thread. It lives at the top of its own stack (the header of its slot in
// scheduler/stack.h), so that the G and the frames that a switch touches share one page and
// neighbouring cache lines.
//
// A G is never freed while its scheduler lives: a dead one goes back to its pool and is used again
// under another id. So a G* stays readable; whoever keeps one beyond the G's life compares the id.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/instant.h"
#include "base/list.h"
#include "scheduler/fiber.h"
#include "scheduler/g_state.h"
#include "scheduler/timers.h"
#include "scheduler/wait_reason.h"

namespace weft {

class GPool;
class Scheduler;
struct M;

struct WaitListTag {};

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

struct G;

// One value of one G's own, of a variable that each G has one of (scheduler/local.h). This is its
// head.
struct GLocalValue {
  const void* key;  // Which variable's.
  GLocalValue* next;
  void (*destroy)(GLocalValue* self);
};

// The timer behind a G's sleep: readies the G.
struct SleepTimer : Timer {
  explicit SleepTimer(G& sleeper) : Timer(&fire), g(sleeper) {}
  static void fire(Timer& timer);
  G& g;
  bool woke = false;  // It was the deadline that ended the last park_until.
};

// What a switch reads and writes of a G: one cache line.
struct GHot {
  Fiber fiber;
  GState state = GState::idle;  // Written only by Scheduler::move.
  WaitReason wait_reason = WaitReason::none;
  std::atomic<std::uint8_t> requests = 0;  // kPreempt, kKill.
  std::uint64_t switches = 0;              // How often it was given the thread.
  M* m = nullptr;                          // Whose current G it is, while running.
};
#if !defined(WEFT_ASAN) && !defined(WEFT_TSAN)
static_assert(sizeof(GHot) == 64);
#endif

struct alignas(64) G : GHot, ListLink<WaitListTag> {
  G(GPool& owner, void* stack_bottom) : pool(owner), bottom(stack_bottom), sleep_timer(*this) {}

  M* locked_m = nullptr;           // LockOSThread: the M that alone may run it.
  std::uint32_t locked_count = 0;  // How often it locked it.

  // Set at spawn.
  std::uint64_t id = 0;
  void (*run)(G& g, bool call) = nullptr;  // Calls (if so told) and destroys the callable.
  void* callable = nullptr;                // On this G's stack, below this header.
  void (*on_exit)(G& g, void* context) =
      nullptr;  // Called when it is dead, on its own stack's last frames.
  void* on_exit_context = nullptr;
  void* owner = nullptr;          // For the layer above: the guest that runs on this G.
  GLocalValue* locals = nullptr;  // Newest first.
  char name[kGNameMax] = {};
  Duration sampled_cpu = {};  // Written by the preemption tick (signals/tick.h).
  GPool& pool;
  void* const bottom;  // Lowest usable address of its stack.

  // While waiting.
  Instant waiting_since;  // As coarse as the loop's last look outside.
  SleepTimer sleep_timer;

  // While another thread or a signal handler readies it: see Scheduler::ready_from_outside.
  std::atomic<G*> outside_next = nullptr;
  std::atomic<bool> in_outside_list = false;
  bool outside_permit = false;

  bool ending = false;  // Its function has returned: a kill finds nothing more to unwind.

  G* pool_next = nullptr;  // While dead or idle: the next in the pool.
};

}  // namespace weft
