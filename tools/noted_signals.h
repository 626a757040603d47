// SPDX-License-Identifier: Apache-2.0
// SIGINT, SIGTERM, SIGHUP and SIGQUIT while a command has something to clean up. The first is
// noted, and check() throws it, so that destructors run; the next one ends the process at once.
#pragma once

#include <algorithm>
#include <array>
#include <csignal>

namespace weft::tools {

// Thrown by work that a noted signal ends. main() then ends the process by that signal.
struct Interrupted {
  int signal;
};

// For as long as this lives. One at a time. In a process where end_at_once() was called it does
// nothing.
class NotedSignals {
 public:
  NotedSignals() {
    if (they_end_at_once_) return;
    noted_ = 0;
    struct sigaction note = {};
    note.sa_handler = [](int sig) { noted_ = sig; };
    note.sa_flags = static_cast<int>(SA_RESETHAND);
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      ::sigaction(kSignals[i], nullptr, &before_[i]);
      if (before_[i].sa_handler == SIG_DFL) ::sigaction(kSignals[i], &note, nullptr);
    }
  }
  ~NotedSignals() {
    if (they_end_at_once_) return;
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      if (before_[i].sa_handler == SIG_DFL) ::sigaction(kSignals[i], &before_[i], nullptr);
    }
  }
  NotedSignals(const NotedSignals&) = delete;
  NotedSignals& operator=(const NotedSignals&) = delete;

  // Throws Interrupted when one has come.
  static void check() {
    if (has_come()) throw Interrupted{noted_};
  }
  static bool has_come() { return noted_ != 0; }

  // In a forked process: from now on the signals end it, since it has nothing to clean up. Also one
  // that came before this.
  static void end_at_once() {
    they_end_at_once_ = true;
    for (const int sig : kSignals) std::signal(sig, SIG_DFL);
    if (noted_ != 0) (void)std::raise(noted_);
  }

  // Is it one of those?
  static bool is_noted_kind(int sig) {
    return std::find(kSignals.begin(), kSignals.end(), sig) != kSignals.end();
  }

 private:
  static constexpr std::array<int, 4> kSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  static inline volatile std::sig_atomic_t noted_ = 0;
  static inline bool they_end_at_once_ = false;
  struct sigaction before_[kSignals.size()]{};
};

}  // namespace weft::tools
