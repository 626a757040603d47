// SPDX-License-Identifier: Apache-2.0
// The engines of the benchmarks with guests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "guest/engines.h"

namespace weft::bench {

// Those that are measured; with a sanitizer, those that it sees.
std::vector<EngineRow> engines();

std::unique_ptr<Engine> make(const EngineRow& engine);

// Why the engine under test did not take the last module; empty when it did.
extern std::string refused;

}  // namespace weft::bench
