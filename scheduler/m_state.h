// SPDX-License-Identifier: Apache-2.0
// The life of an M.
//
//           new_m / start_m            gets the thread             its work is over
//   (none) ────────────────▶ runnable ────────────────▶ running ─────────────────▶ dead
//     ▲                       ▲  ▲  ▲                    │ │ │                       │
//     │                       │  │  └── gives way ───────┘ │ └─ no G for it ─▶ idle   │
//     │                       │  └──── wake_m, deadline ── sleeping ◀┘          │     │
//     │                       └────────────── start_m ──────────────────────────┘     │
//     └──────────────────────────── its stack is taken from the pool ◀────────────────┘
//
// Exactly one M is running: the one that has the thread. Every change goes through
// Scheduler::move_m. A G that is the current G of an M stays `running` whatever its M does: asleep
// at M level, the M keeps it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace weft {

enum class MState : std::uint8_t {
  idle,      // On the idle list, on its g0, without a G: waits to be given work.
  runnable,  // On the ring: wants the thread.
  running,   // Has the thread.
  sleeping,  // On no list: waits for wake_m or its deadline, with its G if it has one.
  dead,      // In the pool.
};

inline constexpr std::size_t kMStates = 5;

inline constexpr std::array<std::array<bool, kMStates>, kMStates> kMayMoveM{{
    //                 idle   runnable running sleeping dead
    /* idle     */ {{false, true, false, false, false}},
    /* runnable */ {{false, false, true, false, false}},
    /* running  */ {{true, true, false, true, true}},
    /* sleeping */ {{false, true, false, false, false}},
    /* dead     */ {{false, true, false, false, false}},
}};

constexpr bool may_move(MState from, MState to) {
  return kMayMoveM[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

static_assert(!may_move(MState::sleeping, MState::running), "the thread is taken from the ring");

constexpr const char* name(MState state) {
  constexpr const char* names[kMStates] = {"idle", "runnable", "running", "sleeping", "dead"};
  return names[static_cast<std::size_t>(state)];
}

}  // namespace weft
