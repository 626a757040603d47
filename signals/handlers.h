// SPDX-License-Identifier: Apache-2.0
// The handlers of this process, taken and given back: who had a signal before weft took it gets
// what weft does not want, and gets it back at the end.
//
// A process has one handler for a signal, while weft has a Tick a thread: takes of one signal are
// counted, the first installs and the last restores.
#pragma once

#include <signal.h>

namespace weft::signals {

using Handler = void (*)(int sig, siginfo_t* info, void* context);

// Installs handler for sig, on the alternate stack where the thread has one. flags: more of
// sigaction's. Every take of one signal must name the same handler.
void take_signal(int sig, Handler handler, int flags);
void give_back_signal(int sig);

// Was it sent, by kill() or its like from here or from another process, and is no fault of an
// instruction? What else `info` says is the sender's then.
bool was_sent(const siginfo_t& info) noexcept;

// Does what would have happened to the signal without weft: calls the previous handler; or, when
// there was none, what the signal does by default. What is ignored stays so, and the handler stays;
// what ends the process ends it: at once, or, for a fault, when this handler has returned and the
// instruction repeats. From a handler.
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
