// SPDX-License-Identifier: Apache-2.0
// Calls that move many bytes, or look at many things, take long, and the guest passes no fuel point
// meanwhile. So such a call is cut into pieces. Between two pieces it gives the others a turn, and
// the guest can be killed there. docs/wasi.md lists what can't be cut.
#pragma once

#include <cstddef>

#include "scheduler/api.h"

namespace weft::wasip1 {

// A host call takes about ten microseconds for so much.
inline constexpr std::size_t kBytesPerTurn = std::size_t{64} * 1024;
// What a step counts that handles one entry of a directory or one subscription.
inline constexpr std::size_t kBytesPerStep = 64;

// Lets the others run, first those whose timer or event is due: the usual look outside, after 61
// switches, would come late when a guest makes one long call after another. On the guest's G.
// Throws Killed.
inline void give_way() {
  Scheduler::request_preempt(this_g());
  checkpoint();
}

// Counts the work of one call, and gives the others a turn after each kBytesPerTurn of it.
class LongCall {
 public:
  // So many bytes have been moved. Without a G it gives no turn. Throws Killed.
  void moved(std::size_t bytes) {
    bytes_ += bytes;
    if (bytes_ < kBytesPerTurn) return;
    bytes_ = 0;
    if (scheduler_of_thread != nullptr && scheduler_of_thread->current() != nullptr) give_way();
  }
  void step() { moved(kBytesPerStep); }

 private:
  std::size_t bytes_ = 0;
};

// Work of weft's own for a guest that takes long and must be done, also when somebody wants to end
// the guest meanwhile: giving back what it had, or finding out where it was.
class WorkToFinish {
 public:
  WorkToFinish() = default;
  WorkToFinish(const WorkToFinish&) = delete;
  WorkToFinish& operator=(const WorkToFinish&) = delete;
  // A kill that came meanwhile comes again: at the G's next wait.
  ~WorkToFinish() {
    if (killed_) scheduler_of_thread->kill(this_g());
  }

  // Lets the others run, as above. Without a G it gives no turn.
  void give_way() noexcept {
    if (scheduler_of_thread == nullptr || scheduler_of_thread->current() == nullptr) return;
    try {
      wasip1::give_way();
    } catch (const Killed&) {
      killed_ = true;
    }
  }

 private:
  bool killed_ = false;
};

}  // namespace weft::wasip1
