// SPDX-License-Identifier: Apache-2.0
// A fiber's home on Boost.Context: see scheduler/fiber.h, which includes this. Nothing else calls
// Boost.Context.
//
// What travels with a fiber here:
//   - the callee-saved registers and the floating point control words, saved by jump_fcontext on
//     the fiber's own stack;
//   - the C++ exception state (__cxa_eh_globals: the caught-exception stack and the count of
//     uncaught ones), which the C++ runtime keeps per thread. A fiber that stops while it is not
//     empty keeps it on its own stack and puts it back when it goes on.
//
// The fiber that goes on writes the context of the one that stopped, first of all, since it is
// known only then. Sanitizer builds tell ASan and TSan of each switch; the annotations live here
// and nowhere else.
#pragma once

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <utility>

#include "base/inline.h"
#include "base/sanitizers.h"

#if defined(WEFT_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(WEFT_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace weft {

// Where a fiber stopped.
using FiberContext = boost::context::detail::fcontext_t;

// The first two members of the C++ ABI's __cxa_eh_globals (Itanium C++ ABI: Exception Handling,
// 2.2.2).
struct EhGlobals {
  void* caught_exceptions = nullptr;
  unsigned int uncaught_exceptions = 0;

  [[nodiscard]] bool in_use() const {
    return caught_exceptions != nullptr || uncaught_exceptions != 0;
  }
  // Would another exception end the process?
  [[nodiscard]] bool is_unwinding() const { return uncaught_exceptions != 0; }
};

// What sanitizers must know of a fiber. Empty in other builds.
struct FiberNotes {
  // Before the fiber first runs, on [bottom, top). May be called again when it has ended.
  void prepare(void* bottom, void* top);
  // When no fiber will run on its stack any more. Not on that stack.
  void end();
  // Of the code that runs on the thread's own stack.
  void adopt_thread();
#if defined(WEFT_ASAN)
  void* fake_stack = nullptr;
  const void* stack_bottom = nullptr;
  std::size_t stack_size = 0;
#endif
#if defined(WEFT_TSAN)
  void* tsan_fiber = nullptr;
#endif
};

// Of this thread.
EhGlobals* eh_globals();

namespace detail {

#if defined(WEFT_ASAN)
inline thread_local constinit FiberNotes* fiber_left = nullptr;  // The fiber that stopped last.
#endif

inline void before_switch([[maybe_unused]] FiberNotes& from, [[maybe_unused]] FiberNotes& to,
                          [[maybe_unused]] bool from_is_done) {
#if defined(WEFT_ASAN)
  fiber_left = &from;
  __sanitizer_start_switch_fiber(from_is_done ? nullptr : &from.fake_stack, to.stack_bottom,
                                 to.stack_size);
#endif
#if defined(WEFT_TSAN)
  __tsan_switch_to_fiber(to.tsan_fiber, 0);
#endif
}

// The first act of the fiber that goes on. `self` is null when it starts.
inline void after_switch(boost::context::detail::transfer_t transfer,
                         [[maybe_unused]] FiberNotes* self) {
  *static_cast<FiberContext*>(transfer.data) = transfer.fctx;
#if defined(WEFT_ASAN)
  FiberNotes& left = *fiber_left;
  __sanitizer_finish_switch_fiber(self != nullptr ? self->fake_stack : nullptr, &left.stack_bottom,
                                  &left.stack_size);
#endif
}

WEFT_INLINE void jump(FiberContext& stopped_at, FiberNotes& from, FiberContext to,
                      FiberNotes& to_notes, bool from_is_done) {
  before_switch(from, to_notes, from_is_done);
  after_switch(boost::context::detail::jump_fcontext(to, &stopped_at), &from);
}

[[gnu::cold, gnu::noinline]] inline void jump_with_exceptions(EhGlobals& eh,
                                                              FiberContext& stopped_at,
                                                              FiberNotes& from, FiberContext to,
                                                              FiberNotes& to_notes) {
  const EhGlobals kept = std::exchange(eh, {});
  jump(stopped_at, from, to, to_notes, false);
  eh = kept;
}

template <void (*kMain)()>
void context_entry(boost::context::detail::transfer_t transfer) {
  after_switch(transfer, nullptr);
  kMain();
}

}  // namespace detail

// The context of a fiber that calls kMain() on [bottom, top) when it is first switched to. kMain
// must not return: its last act is to switch away.
template <void (*kMain)()>
FiberContext make_context(void* bottom, void* top, FiberNotes& notes) {
  notes.prepare(bottom, top);
  const auto size = static_cast<std::size_t>(static_cast<char*>(top) - static_cast<char*>(bottom));
  return boost::context::detail::make_fcontext(top, size, &detail::context_entry<kMain>);
}

// Stops the running fiber `from`, writes its context to `stopped_at`, and goes on with `to`.
// Returns when a later switch comes back; with from_is_done there is none. `eh` is this thread's.
// Allocates nothing, makes no system call.
WEFT_INLINE void switch_context(EhGlobals& eh, FiberContext& stopped_at, FiberNotes& from,
                                FiberContext to, FiberNotes& to_notes, bool from_is_done = false) {
  if (eh.in_use()) [[unlikely]] {
    detail::jump_with_exceptions(eh, stopped_at, from, to, to_notes);
  } else {
    detail::jump(stopped_at, from, to, to_notes, from_is_done);
  }
}

}  // namespace weft
