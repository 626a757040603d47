// SPDX-License-Identifier: Apache-2.0
// Signals that a call to the host sends to the calling thread although an errno says the same.
// Their default action ends the process: one guest would end all of them.
//
//   SIGPIPE   writing to a pipe without a reader              EPIPE   HoldBackSigpipe, one call
//   SIGXFSZ   making a file larger than RLIMIT_FSIZE allows   EFBIG   HoldBackSigxfsz, one guest
//
// The embedder decides what a signal does, for the whole process. So neither signal is ignored: it
// is blocked for this thread, and taken back when it came. SIGPIPE is blocked around each write to
// a pipe only, because the embedder's own code on this thread may rely on it. SIGXFSZ is blocked as
// long as a guest lives on the thread: two more system calls would make a small write to a file
// slower by a third. Writing to a socket raises nothing (MSG_NOSIGNAL). docs/wasi.md lists the
// other signals.
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
