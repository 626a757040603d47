// SPDX-License-Identifier: Apache-2.0
// The signal handlers of this process, taken and given back. A signal that weft does not want goes
// to the handler that was there before, which is restored at the end.
//
// A process has one handler for a signal, while weft has a Tick for each thread. So takes of one
// signal are counted: the first installs the handler, the last restores the old one.
#pragma once

#include <signal.h>

namespace weft::signals {

using Handler = void (*)(int sig, siginfo_t* info, void* context);

// Installs handler for sig, on the alternate stack where the thread has one. flags: more of
// sigaction's. Every take of one signal must name the same handler.
void take_signal(int sig, Handler handler, int flags);
void give_back_signal(int sig);

// Was the signal sent, as by kill(), from here or from another process, and not raised by an
// instruction? The other fields of `info` are then the sender's.
bool was_sent(const siginfo_t& info) noexcept;

// Does what would have happened to the signal without weft: calls the previous handler, or, without
// one, takes the default action. If that ignores the signal, weft's handler stays. If it ends the
// process, it does so at once, or, for a fault, when this handler has returned and the instruction
// repeats. From a handler.
void chain_signal(int sig, siginfo_t* info, void* context) noexcept;

// The alternate stack of the calling thread, made now if it has none, for as long as this lives. A
// handler must not run on the stack that has just overflowed, and G stacks are small.
class AlternateStack {
 public:
  AlternateStack();
  ~AlternateStack();
  AlternateStack(const AlternateStack&) = delete;
  AlternateStack& operator=(const AlternateStack&) = delete;

 private:
  void* memory_ = nullptr;
};

}  // namespace weft::signals
