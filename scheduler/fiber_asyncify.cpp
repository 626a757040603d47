// SPDX-License-Identifier: Apache-2.0
// The picture and the invariants are in scheduler/fiber_asyncify.h.
//
// No function here that calls one of Asyncify's may have a frame of its own on the stack of locals:
// it would move the pointer that it has just set. So they call each other, and none is inlined.
#include "scheduler/fiber_asyncify.h"

#include <unistd.h>

#include <cstring>
#include <exception>
#include <utility>

#include "scheduler/asyncify.h"

namespace weft {
namespace {

constexpr std::uint32_t kCanary = 0x77656674;  // "weft"
constexpr std::size_t kOwnRoom = std::size_t{16} * 1024;

// The thread's own stack never unwinds for a switch. Room for what a throw unwinds there.
alignas(16) std::byte own_room[kOwnRoom];
constinit FiberState own{.saved_end = own_room,
                         .room_end = own_room + kOwnRoom,
                         .canary_below = kCanary,
                         .main = nullptr,
                         .has_started = true,
                         .stack_pointer = nullptr,
                         .top = nullptr,
                         .catching = nullptr,
                         .canary_above = kCanary};

constinit FiberContext running = &own;   // I1
constinit FiberContext go_on = nullptr;  // Whom drive() goes on with.
constinit bool rewinds = false;          // A fiber is on its way back to where it stopped.

std::byte* room_of(FiberContext fiber) {
  return fiber == &own ? own_room : reinterpret_cast<std::byte*>(fiber + 1);
}

// In the middle of a switch: stdio may be rewritten by Asyncify, write(2) is not.
[[noreturn, gnu::cold, gnu::noinline]] void overflow(const char* how) {
  constexpr const char* kAdvice =
      ". The stack of a G or a thread has a fixed size here, and no guard page: run what needs "
      "more "
      "on the program's own stack, or in pieces\n";
  for (const char* text : {"weft: stack overflow: ", how, kAdvice}) {
    (void)::write(2, text, std::strlen(text));
  }
  __builtin_trap();
}

void check_stack(FiberContext fiber) {
  if (fiber->canary_below != kCanary || fiber->canary_above != kCanary) [[unlikely]]
    overflow("it has grown over its own end");
}

// Where a fiber that is about to save itself may do so: up to its locals.
void make_room(FiberContext fiber) {
  fiber->saved_end = room_of(fiber);
  if (fiber == &own) return;
  fiber->stack_pointer = stack_pointer();
  fiber->room_end = fiber->stack_pointer;
  if (fiber->room_end <= fiber->saved_end || fiber->room_end > fiber->top) [[unlikely]]
    overflow("its locals have left it");
}

[[gnu::noinline]] void check_saved(FiberContext fiber) {
  check_stack(fiber);
  if (fiber->saved_end > fiber->room_end) [[unlikely]]
    overflow("its locals leave no room for the frames that a switch saves");
}

// Runs fibers on top of this call until one switches to the thread's own stack.
[[gnu::noinline]] void drive() {
  std::byte* const own_pointer = stack_pointer();
  while (go_on != &own) {
    running = go_on;
    if (running->has_started) {
      rewinds = true;
      set_stack_pointer(running->stack_pointer);
      weft_asyncify_start_rewind(running);
    } else {
      running->has_started = true;
      set_stack_pointer(running->top);
    }
    running->main();  // Returns when it has unwound.
    set_stack_pointer(own_pointer);
    check_saved(running);
    weft_asyncify_stop_unwind();
  }
  running = &own;
}

}  // namespace

FiberContext running_fiber() {
  return running;
}

EhGlobals* eh_globals() {
  static EhGlobals nothing;
  return &nothing;
}

bool EhGlobals::is_unwinding() {
  return std::uncaught_exceptions() != 0;
}

namespace detail {

FiberContext make_fiber_state(void* bottom, void* top, void (*main)()) {
  auto* fiber = static_cast<FiberState*>(bottom);
  const auto end = reinterpret_cast<std::uintptr_t>(top) & ~std::uintptr_t{15};
  *fiber = {.saved_end = nullptr,
            .room_end = nullptr,
            .canary_below = kCanary,
            .main = main,
            .has_started = false,
            .stack_pointer = nullptr,
            .top = reinterpret_cast<std::byte*>(end),
            .catching = nullptr,
            .canary_above = kCanary};
  return fiber;
}

void make_room_to_save(FiberContext fiber) {
  check_stack(fiber);
  make_room(fiber);
}

[[gnu::noinline]] void prepare_switch(FiberContext* stopped_at, FiberContext to) {
  check_stack(running);
  check_stack(to);
  *stopped_at = running;
  go_on = to;
  make_room(running);
}

// Called twice for a switch away from a fiber: when it stops, and when it has been rewound.
extern "C" [[gnu::noinline]] void weft_switch_fiber(FiberContext* stopped_at, FiberContext to) {
  if (rewinds) {
    rewinds = false;
    weft_asyncify_stop_rewind();
    return;
  }
  prepare_switch(stopped_at, to);
  if (running == &own) {
    drive();
  } else {
    weft_asyncify_start_unwind(running);
  }
}

}  // namespace detail
}  // namespace weft
