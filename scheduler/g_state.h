// SPDX-License-Identifier: Apache-2.0
// The life of a G.
//
//            go()                    execute                  return
//    idle ─────────────▶ runnable ──────────────▶ running ──────────────▶ dead
//     ▲                   ▲    ▲                   │   │                    │
//     │                   │    └──── yield() ──────┘   │ park(reason)       │
//     │                   └───────── ready() ───── waiting ◀┘               │
//     └──────────────────── it is taken from the pool again ◀───────────────┘
//
// A G is on the run queue exactly when it is runnable, and is the current G of an M exactly when it
// is running: that it runs is known by its M, and stored nowhere else (G::state). Every change goes
// through Scheduler::move<from, to>(g), which asserts `from` and this table and emits the event.
// The names are those that Go prints; Go's `preempted` is a wait reason here, not a state.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace weft {

enum class GState : std::uint8_t {
  idle,      // In the pool. On no list, and without a stack.
  runnable,  // On the run queue, which will run it. Its stack, if it has run, is at rest.
  running,   // Current G of one M. On no list; its stack is in use (or, while the M sleeps, its
             // M's).
  waiting,   // Parked with a WaitReason. What it waits for holds the handle that readies it.
  dead,      // Its function returned. On no list; its stack went back to the pool, or on.
};

inline constexpr std::size_t kGStates = 5;

// May a G go from one state to another? One row for each `from`, one column for each `to`.
inline constexpr std::array<std::array<bool, kGStates>, kGStates> kMayMove{{
    //                 idle   runnable running waiting dead
    /* idle     */ {{false, true, false, false, false}},
    /* runnable */ {{false, false, true, false, false}},
    /* running  */ {{false, true, false, true, true}},
    /* waiting  */ {{false, true, false, false, false}},
    /* dead     */ {{true, false, false, false, false}},
}};

constexpr bool may_move(GState from, GState to) {
  return kMayMove[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

static_assert(!may_move(GState::waiting, GState::running), "only the scheduler resumes a G");
static_assert(!may_move(GState::runnable, GState::dead), "a G dies on its own stack");
static_assert(!may_move(GState::waiting, GState::dead), "a G dies on its own stack");

constexpr const char* name(GState state) {
  constexpr const char* names[kGStates] = {"idle", "runnable", "running", "waiting", "dead"};
  return names[static_cast<std::size_t>(state)];
}

}  // namespace weft
