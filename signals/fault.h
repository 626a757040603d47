// SPDX-License-Identifier: Apache-2.0
// FaultHandler: reports the overflow of a G's stack in words.
//
//   SIGSEGV or SIGBUS ─▶ on the alternate stack:
//       a guest's own fault (FaultClaim)          the guest traps
//       in the guard page of one of our stacks    the two lines of Go's runtime and the G go to
//                                                 stderr; the process ends with code 2
//       any other                                 the handler that was there before: a sanitizer,
//                                                 a wasm engine, or the default action
//
// A signal that was sent, as by kill(), is no fault of an instruction: it goes to the handler that
// was there before; without one it ends the process.
//
// Without this an overflow is a bare SIGSEGV. A handler needs the alternate stack, since the G's
// own stack has just ended.
//
//   signals::FaultHandler faults;   // Once in main(), on the scheduler's thread, before run().
//
// It finds the scheduler by itself: the one that runs on the thread that faulted.
#pragma once

#include "signals/handlers.h"

namespace weft::signals {

// A function that may claim a fault as expected: it changes `context` (a ucontext_t) to say where
// to go on, and returns true. Called in the handler, first of all, on the alternate stack. One for
// the process; nullptr: none.
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
