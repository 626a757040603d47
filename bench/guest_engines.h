// The engines of the benchmarks with guests: one row each.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "guest/engine.h"

namespace weft::bench {

struct EngineRow {
  const char* name;
  std::unique_ptr<Engine> (*make)();
};

std::span<const EngineRow> engines();

// Why the engine under test did not take the last module; empty when it did.
extern std::string refused;

}  // namespace weft::bench
