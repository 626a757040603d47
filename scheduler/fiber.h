// SPDX-License-Identifier: Apache-2.0
// A Fiber is an execution context: a stack and the place on it where execution stopped.
// switch_fiber is the one switch of the program; nothing else calls Boost.Context.
//
// What travels with a fiber:
//   - the callee-saved registers and the floating point control words, saved by jump_fcontext on
//   the fiber's own stack;
//   - the C++ exception state (__cxa_eh_globals: the caught-exception stack and the count of
//   uncaught ones), which the
//     C++ runtime keeps per thread. So a G may switch inside a `catch` block or while a destructor
//     runs.
// What does not: errno, the locale, thread_local variables. They are the thread's.
//
// Sanitizer builds tell ASan and TSan of each switch; the annotations live here and nowhere else.
#pragma once

#include <cxxabi.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <utility>

#include "base/inline.h"

#if defined(WEFT_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(WEFT_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace weft {

// The first two members of the C++ ABI's __cxa_eh_globals (Itanium C++ ABI: Exception Handling,
// 2.2.2).
struct EhGlobals {
  void* caught_exceptions = nullptr;
  unsigned int uncaught_exceptions = 0;

  [[nodiscard]] bool in_use() const {
    return caught_exceptions != nullptr || uncaught_exceptions != 0;
  }
};

struct Fiber {
  using Main = void (*)(void* argument);  // Must end by switching away for good: it never returns.

  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  // Makes this a fiber that calls main(argument) on [bottom, top) when it is first switched to. May
  // be called again when the previous main has switched away for good.
  void prepare(void* bottom, void* top, Main main, void* argument);

  // Makes this the fiber of the code that now runs on this thread's own stack.
  void adopt_thread();

  boost::context::detail::fcontext_t context = nullptr;  // Where it stopped; stale while it runs.
  EhGlobals eh;                                          // While it does not run.
  Main main = nullptr;
  void* argument = nullptr;
#if defined(WEFT_ASAN)
  void* fake_stack = nullptr;
  const void* stack_bottom = nullptr;
  std::size_t stack_size = 0;
#endif
#if defined(WEFT_TSAN)
  void* tsan_fiber = nullptr;
#endif
};

// What each switch needs of its thread.
struct FiberThread {
  EhGlobals* eh = nullptr;   // Cached: __cxa_get_globals() is a call into another library.
  Fiber* entered = nullptr;  // The fiber that was switched to last: a new one asks who it is.
};
inline thread_local constinit FiberThread fiber_thread;

namespace detail {

inline void before_switch([[maybe_unused]] Fiber& from, [[maybe_unused]] Fiber& to,
                          [[maybe_unused]] bool from_is_done) {
#if defined(WEFT_ASAN)
  __sanitizer_start_switch_fiber(from_is_done ? nullptr : &from.fake_stack, to.stack_bottom,
                                 to.stack_size);
#endif
#if defined(WEFT_TSAN)
  __tsan_switch_to_fiber(to.tsan_fiber, 0);
#endif
}

inline void after_switch([[maybe_unused]] Fiber& came_from, [[maybe_unused]] void* fake_stack) {
#if defined(WEFT_ASAN)
  __sanitizer_finish_switch_fiber(fake_stack, &came_from.stack_bottom, &came_from.stack_size);
#endif
}

}  // namespace detail

// Stops `from`, which must be the running fiber, and goes on with `to`. Returns when somebody
// switches back to `from`. With from_is_done nobody ever does. Allocates nothing, makes no system
// call.
WEFT_INLINE void switch_fiber(Fiber& from, Fiber& to, bool from_is_done = false) {
  FiberThread& thread = fiber_thread;
  EhGlobals& eh = *thread.eh;
  if (eh.in_use() || to.eh.in_use()) [[unlikely]] {
    from.eh = eh;
    eh = std::exchange(to.eh, {});
  }
  thread.entered = &to;
  detail::before_switch(from, to, from_is_done);
  const auto transfer = boost::context::detail::jump_fcontext(to.context, &from);
  auto& came_from = *static_cast<Fiber*>(transfer.data);
  came_from.context = transfer.fctx;
#if defined(WEFT_ASAN)
  detail::after_switch(came_from, from.fake_stack);
#endif
}

}  // namespace weft
