// SPDX-License-Identifier: Apache-2.0
// A fiber's home on WebAssembly: see scheduler/fiber.h, which includes this.
//
// Code of wasm can't reach the stack of its calls. Binaryen's Asyncify rewrites each function that
// can park, so that a running one can save its locals and return, and go on there later:
//
//   a G: f ─ g ─ park ─ switch_fiber ─▶ start_unwind: park, g and f save themselves and return
//                                                        │
//   the thread's own stack: ... ─ drive ◀────────────────┘ goes on with the next fiber:
//                                   │ one that has not run yet: calls its main
//                                   └ another: start_rewind, and calls its main again, whose
//                                     frames restore themselves down to switch_fiber
//
// So at any time one fiber's calls stand on top of drive(), and the thread's own stack below it
// never unwinds: a switch to it is a return from drive().
//
// A stack holds the locals whose address is taken, as it does in C on any machine; wasm keeps the
// others. It has no guard page. What a switch writes goes to its other end:
//
//   bottom                                                                            top
//   ┌────────────┬──────────────────────────────┬────────┬──────────────────────────────┐
//   │ FiberState │ frames that were saved  ──▶ │  free  │ ◀── locals (__stack_pointer) │
//   └────────────┴──────────────────────────────┴────────┴──────────────────────────────┘
//
// Each switch checks that the locals have not reached FiberState (a canary on both its sides) and
// the two ends have not met, and ends the program with a line if they have. It can't stop one that
// grows too far between two switches; the page below a stack, which nobody uses, takes 4 KiB of it.
//
// Invariants:
//   I1. running() is the fiber whose code runs; on the thread's own stack it is that one's.
//   I2. The Asyncify state is "normal" in all code that is not on its way out or back.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/inline.h"

namespace weft {

struct CatchPoint;

// At the bottom of a stack. The first two members are what Asyncify reads and writes.
struct FiberState {
  std::byte* saved_end;  // Where the next frame is saved.
  std::byte* room_end;   // No frame may be saved from here on.
  std::uint32_t canary_below;
  void (*main)();
  bool has_started;
  std::byte* stack_pointer;  // While it does not run.
  std::byte* top;
  CatchPoint* catching;  // Its innermost one: scheduler/no_unwinding.h.
  std::uint32_t canary_above;
};

// Where a fiber stopped.
using FiberContext = FiberState*;

// What the C++ runtime keeps of exceptions lies in JavaScript, or there are none.
struct EhGlobals {
  [[nodiscard]] static bool in_use() { return false; }
  [[nodiscard]] static bool is_unwinding();
};
EhGlobals* eh_globals();

// There are no sanitizers that must be told.
struct FiberNotes {
  void prepare(void*, void*) {}
  void end() {}
  void adopt_thread() {}
};

// The fiber whose code runs (I1).
FiberContext running_fiber();

namespace detail {

FiberContext make_fiber_state(void* bottom, void* top, void (*main)());
// For an unwinding of the running fiber.
void make_room_to_save(FiberContext fiber);
extern "C" void weft_switch_fiber(FiberContext* stopped_at, FiberContext to);

}  // namespace detail

template <void (*kMain)()>
FiberContext make_context(void* bottom, void* top, FiberNotes&) {
  return detail::make_fiber_state(bottom, top, kMain);
}

WEFT_INLINE void switch_context(EhGlobals&, FiberContext& stopped_at, FiberNotes&, FiberContext to,
                                FiberNotes&, bool = false) {
  detail::weft_switch_fiber(&stopped_at, to);
}

}  // namespace weft
