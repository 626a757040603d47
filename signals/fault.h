// FaultHandler: what a G that runs over the end of its stack dies of, in words.
//
//   SIGSEGV or SIGBUS ─▶ on the alternate stack ─▶ in the guard page of one of our stacks?
//       yes   the two lines of Go's runtime and the G, to stderr; the process ends with code 2
//       no    whoever had the signal before: a sanitizer, a wasm engine, or the default action
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
