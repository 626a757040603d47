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

}  // namespace weft::wasip1
