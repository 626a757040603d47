// SPDX-License-Identifier: Apache-2.0
#include "tools/virtual_stop.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "scheduler/scheduler.h"

namespace weft::tools {

StopOnSignal::StopOnSignal() : null_file_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {
  noted_ = 0;
  null_ = null_file_.get();
  for (std::size_t i = 0; i < std::size(kSignals); ++i) {
    struct sigaction taken = {};
    taken.sa_handler = &on_signal;
    taken.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(kSignals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler == SIG_DFL) ::sigaction(kSignals[i], &taken, nullptr);
  }
}

StopOnSignal::~StopOnSignal() {
  for (std::size_t i = 0; i < std::size(kSignals); ++i) {
    ::sigaction(kSignals[i], &before_[i], nullptr);
  }
}

void StopOnSignal::on_signal(int sig) {
  const int saved_errno = errno;
  noted_ = sig;
  (void)::dup2(null_, STDIN_FILENO);
  if (scheduler_of_thread != nullptr) scheduler_of_thread->interrupt();
  errno = saved_errno;
}

}  // namespace weft::tools
