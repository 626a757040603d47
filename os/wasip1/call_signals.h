// SPDX-License-Identifier: Apache-2.0
// Signals that a call to the host raises at the thread that makes it, where an errno says the same.
// Their default is to end the process: one guest would end all of them.
//
//   SIGPIPE   writing to a pipe that nobody reads             EPIPE   HoldBackSigpipe, one call
//   SIGXFSZ   making a file larger than RLIMIT_FSIZE allows   EFBIG   HoldBackSigxfsz, one guest
//
// What a signal does is the embedder's to decide, for the whole process; so neither is ignored, but
// blocked for this thread, and taken back when it came. SIGPIPE is blocked around each write to a
// pipe: programs rely on it, and the thread is theirs too. SIGXFSZ is blocked for as long as a
// guest lives on the thread: two system calls more would cost a small write to a file a third.
// Writing to a socket raises nothing (MSG_NOSIGNAL). docs/wasi.md lists the other signals.
#pragma once

#include <signal.h>
#include <time.h>

#include <cerrno>

namespace weft::wasip1 {

// For one call. Must be destroyed on its thread.
class HoldBackSigpipe {
 public:
  explicit HoldBackSigpipe(bool needed) : active_(needed) {
    if (!active_) return;
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  ~HoldBackSigpipe() {
    if (active_) pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  HoldBackSigpipe(const HoldBackSigpipe&) = delete;
  HoldBackSigpipe& operator=(const HoldBackSigpipe&) = delete;

  // Takes back the signal that a write has raised which moved less than it was given.
  void discard() const {
    if (!active_ || sigismember(&before_, SIGPIPE) == 1) return;
    const timespec now{};
    while (::sigtimedwait(&sigpipe_, nullptr, &now) < 0 && errno == EINTR) {
    }
  }

 private:
  bool active_;
  sigset_t sigpipe_{};
  sigset_t before_{};
};

// From the first one of a thread to the last one's end. Made and destroyed on that thread.
class HoldBackSigxfsz {
 public:
  HoldBackSigxfsz();
  ~HoldBackSigxfsz();
  HoldBackSigxfsz(const HoldBackSigxfsz&) = delete;
  HoldBackSigxfsz& operator=(const HoldBackSigxfsz&) = delete;
};

}  // namespace weft::wasip1
