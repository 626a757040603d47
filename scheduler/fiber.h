// SPDX-License-Identifier: Apache-2.0
// A fiber is an execution context: a stack, and the place on it where execution stopped (its
// FiberContext). switch_context is the one switch of the program.
//
// What a machine needs to give for that is the small interface below, which has two homes; a
// compiler sees one of them:
//
//   FiberContext       where a fiber stopped: a pointer; null is none
//   make_context       a fiber that calls a function on [bottom, top) when it is first switched to
//   switch_context     stops the running fiber and goes on with another
//   FiberNotes         what a sanitizer must know of a fiber, and be told when one has ended
//   EhGlobals          what the C++ runtime keeps of exceptions for each thread; travels along
//
//   scheduler/fiber_boost.h      Boost.Context: machine code, on Linux
//   scheduler/fiber_asyncify.h   Binaryen's Asyncify: WebAssembly
//
// The caller of a switch says where to write the context of the fiber that stops: a member of its
// G, or its place in the run queue. It is written before anything else runs.
//
// A G may switch inside a `catch` block or while a destructor runs, and each fiber starts without
// exceptions; not with Emscripten, where one list in JavaScript is for all (docs/porting.md).
// Errno, the locale and thread_local variables don't travel with a fiber: they are the thread's.
#pragma once

#if defined(__wasm__)
#include "scheduler/fiber_asyncify.h"
#else
#include "scheduler/fiber_boost.h"
#endif

namespace weft {

// A fiber for itself, as an M's g0 is. A G has the same parts in several places.
struct Fiber {
  using Main = void (*)(void* argument);  // Must not return: its last act is to switch away.

  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber() {
    if (main != nullptr) notes.end();
  }

  // Makes this a fiber that calls main(argument) on [bottom, top) when it is first switched to. May
  // be called again when the previous main has ended.
  void prepare(void* bottom, void* top, Main main, void* argument);

  // Makes this the fiber of the code that now runs: usually the thread's own stack.
  void adopt_thread();

  FiberContext context = nullptr;  // Where it stopped; stale while it runs.
  [[no_unique_address]] FiberNotes notes;
  Main main = nullptr;
  void* argument = nullptr;
};

// What each switch needs of its thread.
struct FiberThread {
  EhGlobals* eh = nullptr;   // Cached: eh_globals() is a call into another library.
  Fiber* entered = nullptr;  // The Fiber that was switched to last: a new fiber reads which it is.
};
inline thread_local constinit FiberThread fiber_thread;

// The same for two Fibers.
WEFT_INLINE void switch_fiber(Fiber& from, Fiber& to, bool from_is_done = false) {
  fiber_thread.entered = &to;
  switch_context(*fiber_thread.eh, from.context, from.notes, to.context, to.notes, from_is_done);
}

}  // namespace weft
