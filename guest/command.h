// SPDX-License-Identifier: Apache-2.0
// What a module has to be before an engine may have it: valid, a WASI command that weft can run
// (the imports it may have, the exports it must, the sizes it may begin with), and of features that
// the engine knows. The same for every engine.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "guest/engine.h"
#include "os/wasip1/functions.h"

namespace weft {

// What was found out about a module on the way.
struct Admitted {
  wasm::ModuleView view;  // Into the binary.
  ModuleInfo info;
  std::vector<const wasip1::Function*> imports;  // The WASI function behind each, in order.
};

// What is known from the sections alone is asked first, so that what can't run is refused at once,
// however large it is. later: its functions are not looked into, for a module that was admitted
// before (ModuleInfo then lacks what scan_code() adds). The error completes "<file>: ".
enum class CodeScan : std::uint8_t { now, later };
Result<Admitted> admit(std::span<const std::byte> binary, const GuestLimits& limits, Role role,
                       CodeScan code = CodeScan::now);

// Does the module use one of these? The error names it, the instruction or type, and the engine.
Status check_features(const ModuleInfo& info, std::span<const wasm::Feature> lacking,
                      std::string_view engine);

// The same for what libwabt 1.0.32, or weft's passes over its code, can't take.
Status check_libwabt_knows(const ModuleInfo& info, std::string_view engine);

}  // namespace weft
