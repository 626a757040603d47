// SPDX-License-Identifier: Apache-2.0
// SeedRun: what the books of a search say of one seed. Data alone.
#pragma once

#include <cstdint>

#include "sim/run.h"

namespace weft::tools {

struct SeedRun {
  std::uint64_t seed = 0;
  std::uint64_t steps = 0;
  std::uint64_t decisions = 0;
  std::uint64_t deviations = 0;  // From fifo.
  std::uint64_t order = 0;       // sim::RunRecord::order.
  sim::Ending ending = sim::Ending::passed;
  bool leaks_undecided = false;  // In no verdict's rows: its line says so.
};

}  // namespace weft::tools
