// SPDX-License-Identifier: Apache-2.0
// M: an emulated OS thread. It has a g0, the fiber on which its scheduling loop or its own thread
// function runs, and at most one current G. M0 is the real thread: its g0 is that thread's own
// stack. The others are made by new_m (newosproc) and live at the top of their g0's stack, as a
// GStack does on its own.
//
// All Ms take turns on the one real thread. The right to run Gs from the queue (Go's P, of which
// there is one) belongs to one M at a time; an M that goes to sleep or gives way gives it away when
// Gs wait. See scheduler/m_turns.cpp.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/list.h"
#include "scheduler/fiber.h"
#include "scheduler/m_state.h"
#include "scheduler/timers.h"

namespace weft {

struct G;
struct M;
class Scheduler;

struct MListTag {};

// The timer behind an M's sleep: wakes the M.
struct MTimer : Timer {
  explicit MTimer(M& sleeper) : Timer(&fire), m(sleeper) {}
  static void fire(Timer& timer);
  M& m;
  bool woke = false;  // It was the deadline that ended the last sleep.
};

// What a thread made by new_m runs on its g0. Without one, it is a worker: it runs Gs.
using MStart = void (*)(void* argument);

struct alignas(64) M : ListLink<MListTag> {
  explicit M(void* stack_bottom = nullptr) : bottom(stack_bottom), sleep_timer(*this) {}

  Fiber g0;
  // Running on this M (or kept by it while it sleeps), nullptr while g0 does. Atomic for preempt_m,
  // which may read it from a signal handler or another thread.
  std::atomic<G*> current_g = nullptr;
  MState state = MState::running;  // Written only by Scheduler::move_m. M0 is born running.

  // Set when it is made.
  std::int64_t id = 0;
  MStart start = nullptr;
  void* start_argument = nullptr;
  void* const bottom;  // Lowest usable address of g0's stack; nullptr for M0.

  // As in Go.
  std::int32_t locks = 0;   // Runtime locks held; no switching of Gs while it is not 0.
  G* locked_g = nullptr;    // LockOSThread: the one G it may run.
  void* gsignal = nullptr;  // The port's: made by mpreinit.

  // While sleeping.
  const char* sleep_reason = "";
  MTimer sleep_timer;
  bool leaving = false;  // The scheduler dies: the sleep ends by Killed.

  M* pool_next = nullptr;  // While dead.
};

}  // namespace weft
