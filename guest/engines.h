// SPDX-License-Identifier: Apache-2.0
// The engines, one row each. An engine is added by a folder beside this file and a row in
// engines.cpp: the command, the replay files, the benchmarks and the tests take names from here.
//
//   --engine NAME, a recording ─▶ find_engine ─▶ EngineRow::make ─▶ Engine
//   weft engines, tests ─▶ engine_rows
//
// From: any thread; an engine that was made belongs to one.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "guest/aot/aot.h"
#include "guest/engine.h"

namespace weft {

// What an engine may be told. Each takes what it knows.
struct EngineOptions {
  AotOptions aot = {};    // Of aot, and of auto.
  bool perf_map = false;  // jit: tells perf the names of functions (/tmp/perf-PID.map)
};

// An engine that this library has.
struct EngineRow {
  const char* name;  // After --engine, and in recordings.
  const char* what;  // One line, for people.
  // The same module runs the same way on every machine. A choice among engines is not fixed: it
  // has no place in virtual time.
  bool is_fixed;
  // Guests become machine code, which no sanitizer sees.
  bool makes_machine_code;
  // load() may take seconds, and calls AotOptions::wait meanwhile.
  bool loads_in_steps;
  // Makes one. It belongs to one thread.
  std::unique_ptr<Engine> (*make)(EngineOptions options);
};

// What a Runtime takes that was given no engine.
inline constexpr const char* kDefaultEngine = "auto";

// What the others are compared with.
inline constexpr const char* kOracleEngine = "interp";

// The default engine in virtual time: jit where this machine can have it and it takes the module,
// else interp. The choice does not depend on what was compiled before.
const char* default_fixed_engine(std::span<const std::byte> binary);

// In the order in which people read them. The first one is the oracle for the others.
std::span<const EngineRow> engine_rows();

// nullptr: there is no such engine.
const EngineRow* find_engine(std::string_view name);

}  // namespace weft
