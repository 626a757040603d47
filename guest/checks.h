// SPDX-License-Identifier: Apache-2.0
// What the host answers when a guest has no checks left, on every engine: guest/wabt/meter.cpp says
// where checks stand and what they cost.
#pragma once

#include <cstdint>

#include "base/budget.h"
#include "guest/engine.h"

namespace weft {

// How many checks a guest passes before the host is asked, unless GuestLimits::quantum says so:
// some tens of microseconds.
inline constexpr std::uint32_t kChecksQuantum = 16'384;

// A new guest has one check left: the first one asks.
inline void begin_checks(Budget& fuel) {
  (void)fuel.take_up_to(1);
}

// Of a guest to which `left` checks are left, as a signed number: none, or a debt. The debt is paid
// from the fuel. Returns how many are left then; 0 when the fuel is spent: the guest ends.
inline std::uint32_t next_quantum(Budget& fuel, std::uint32_t left, const GuestLimits& limits) {
  const std::uint32_t debt = 0 - left;
  const std::uint32_t quantum = limits.quantum != 0 ? limits.quantum : kChecksQuantum;
  const std::uint64_t taken = fuel.take_up_to(std::uint64_t{debt} + quantum);
  return taken > debt ? static_cast<std::uint32_t>(taken - debt) : 0;
}

}  // namespace weft
