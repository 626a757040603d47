// SPDX-License-Identifier: Apache-2.0
// What the host answers when a guest has used up its quantum of fuel, on every engine.
// guest/wabt/meter.cpp says where fuel points stand and what they cost.
#pragma once

#include <cstdint>

#include "base/budget.h"
#include "guest/engine.h"

namespace weft {

// How much fuel a guest uses before it asks the host, when GuestLimits::quantum does not say: some
// tens of microseconds.
inline constexpr std::uint32_t kFuelQuantum = 16'384;

// A new guest has a fuel of 1: its first fuel point asks the host.
inline void begin_fuel(Budget& fuel) {
  (void)fuel.take_up_to(1);
}

// `left` is what a guest has left, as a signed number: 0, or below 0, a debt. The debt is paid from
// the fuel. Returns the new quantum; 0 when the fuel is spent: the guest ends.
inline std::uint32_t next_quantum(Budget& fuel, std::uint32_t left, const GuestLimits& limits) {
  const std::uint32_t debt = 0 - left;
  const std::uint32_t quantum = limits.quantum != 0 ? limits.quantum : kFuelQuantum;
  const std::uint64_t taken = fuel.take_up_to(std::uint64_t{debt} + quantum);
  return taken > debt ? static_cast<std::uint32_t>(taken - debt) : 0;
}

}  // namespace weft
