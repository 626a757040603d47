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

#include <memory>

#include "guest/aot/aot.h"
#include "guest/engine.h"

namespace weft {

struct JitOptions {
  Bounds bounds = Bounds::automatic;
};

// The error says what this machine or system lacks.
Result<std::unique_ptr<Engine>> make_jit(JitOptions options = {});

}  // namespace weft
