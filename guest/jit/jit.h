// SPDX-License-Identifier: Apache-2.0
// The engine `jit`: a module is validated, and each of its functions becomes machine code when it
// is first called.
//
//   bytes ─▶ read_module ─▶ JitModule ─ instantiate ─▶ JitInstance ─ runs ─▶ a function's entry
//                               ▲                                             │ the first time
//                               └── code, shared by all instances ◀── Compiler┘
//
// For x86-64; elsewhere make_jit() says so.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "guest/aot/aot.h"
#include "guest/engine.h"

namespace weft {

struct JitOptions {
  Bounds bounds = Bounds::automatic;
  // While a module is validated, again and again. It may throw, which leaves load().
  std::function<void(const std::string& module, const CompileStage& stage)> progress = {};
  bool perf_map = false;  // /tmp/perf-PID.map, from which perf takes names of functions.
};

// The error says what this machine or system lacks.
Result<std::unique_ptr<Engine>> make_jit(JitOptions options = {});

}  // namespace weft
