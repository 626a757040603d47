// SPDX-License-Identifier: Apache-2.0
// StopOnSignal: ends a run in virtual time at the first SIGINT or SIGTERM, so that its trace and
// its recording can be written. The second one has the default action, which ends the process.
//
//   handler: notes it, for the run to see at its next step (RunSettings::stop); wakes a thread that
//            waits; stdin is at its end
//
// A replay ends at that step too: it is the first beyond the recording's limit. Reading stdin
// blocks the thread in virtual time: from the signal on, descriptor 0 is /dev/null.
#pragma once

#include <csignal>
#include <iterator>

#include "base/unique_fd.h"

namespace weft::tools {

// One at a time.
class StopOnSignal {
 public:
  StopOnSignal();
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  // The signal that came; 0: none has.
  [[nodiscard]] const volatile std::sig_atomic_t* noted() const { return &noted_; }

 private:
  static void on_signal(int sig);

  static constexpr int kSignals[] = {SIGINT, SIGTERM};
  static inline volatile std::sig_atomic_t noted_ = 0;
  static inline volatile std::sig_atomic_t null_ = -1;
  UniqueFd null_file_;
  struct sigaction before_[std::size(kSignals)]{};
};

}  // namespace weft::tools
