// SPDX-License-Identifier: Apache-2.0
// What is required of a module before an engine gets it: it is valid, it is a WASI command that
// weft can run (its imports, its exports, its first sizes), and the engine knows its features. The
// same for every engine.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "guest/engine.h"
#include "guest/host_function.h"

namespace weft {

// What was found out about a module on the way.
struct Admitted {
  wasm::ModuleView view;  // Into the binary.
  ModuleInfo info;
  std::vector<Import> imports;  // What is behind each, in order.
  // As Module's.
  std::shared_ptr<const guest::go::GoModule> go;
  std::string go_refused;
};

// What the sections alone can tell is tested first, so that a module that can't run is refused at
// once, also a large one. later: the functions are not read, for a module that was admitted before
// (ModuleInfo then lacks what scan_code() adds). `offered`: what it may import beside WASI. The
// error completes "<file>: ".
enum class CodeScan : std::uint8_t { now, later };
Result<Admitted> admit(std::span<const std::byte> binary, const GuestLimits& limits, Role role,
                       CodeScan code = CodeScan::now, const HostFunctions* offered = nullptr,
                       const wasm::ValidationStep& step = {});

// Does the module use one of these? The error names it, the instruction or type, and the engine.
Status check_features(const ModuleInfo& info, std::span<const wasm::Feature> lacking,
                      std::string_view engine);

// The same for what libwabt 1.0.32, or weft's passes over its IR, do not know.
Status check_libwabt_knows(const ModuleInfo& info, std::string_view engine);

}  // namespace weft
