// SPDX-License-Identifier: Apache-2.0
#include "os/wasip1/call_signals.h"

#include <cstddef>

namespace weft::wasip1 {
namespace {

thread_local constinit std::size_t holders = 0;
thread_local constinit bool was_blocked = false;  // Before the first of them.

sigset_t only_sigxfsz() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGXFSZ);
  return set;
}

}  // namespace

HoldBackSigxfsz::HoldBackSigxfsz() {
  if (holders++ > 0) return;
  const sigset_t set = only_sigxfsz();
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &set, &before);
  was_blocked = sigismember(&before, SIGXFSZ) == 1;
}

HoldBackSigxfsz::~HoldBackSigxfsz() {
  if (--holders > 0 || was_blocked) return;
  const sigset_t set = only_sigxfsz();
  const timespec now{};
  while (::sigtimedwait(&set, nullptr, &now) < 0 && errno == EINTR) {
  }
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace weft::wasip1
