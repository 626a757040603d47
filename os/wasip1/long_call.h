// SPDX-License-Identifier: Apache-2.0
// Calls that move many bytes take long, and a guest that makes them again and again passes few
// checks meanwhile. So such a call gives the others a turn itself, and can be killed there.
#pragma once

#include <cstddef>

#include "scheduler/api.h"

namespace weft::wasip1 {

// Some ten microseconds' work of a host call.
inline constexpr std::size_t kBytesPerTurn = std::size_t{64} * 1024;

// Called when so many bytes have been moved. On the guest's G. Throws Killed.
inline void give_turn(std::size_t bytes) {
  if (bytes >= kBytesPerTurn) yield();
}

}  // namespace weft::wasip1
