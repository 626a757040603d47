// SPDX-License-Identifier: Apache-2.0
// FaultHandler: what a G that runs over the end of its stack dies of, in words.
//
//   SIGSEGV or SIGBUS ─▶ on the alternate stack ─▶ a guest's, who traps by it (FaultClaim)? else
//                                                 in the guard page of one of our stacks?
//       yes   the two lines of Go's runtime and the G, to stderr; the process ends with code 2
//       no    whoever had the signal before: a sanitizer, a wasm engine, or the default action
//
// One that was sent, by kill() or its like, is nobody's fault: it goes to whoever had the signal
// before, and ends the process by that signal when nobody had.
//
// Without it an overflow is a bare SIGSEGV, and without an alternate stack not even that gets
// through: the handler would have to run on the stack that has just ended.
//
//   signals::FaultHandler faults;   // Once in main(), on the scheduler's thread, before run().
//
// It finds the scheduler by itself: the one that runs on the thread that faulted.
#pragma once

#include "signals/handlers.h"

namespace weft::signals {

// Somebody who can say of a fault that it was expected, and where to go on: it changes `context`
// (a ucontext_t) and returns true. Called in the handler, first of all, on the alternate stack. One
// for the process; nullptr: none.
using FaultClaim = bool (*)(const siginfo_t* info, void* context);
void set_fault_claim(FaultClaim claim);

class FaultHandler {
 public:
  // Takes both signals, and gives the calling thread an alternate stack.
  FaultHandler();
  ~FaultHandler();
  FaultHandler(const FaultHandler&) = delete;
  FaultHandler& operator=(const FaultHandler&) = delete;

 private:
  AlternateStack stack_;
};

}  // namespace weft::signals
