// SPDX-License-Identifier: Apache-2.0
// The C of one module, made ready for the compiler: what libwabt wrote, cut into parts that can be
// compiled side by side, with the markers of traps turned into line numbers, and the functions
// added that bind it to weft.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "guest/engine.h"
#include "guest/wabt/wabt_ir.h"
#include "guest/wasm/module_scan.h"

namespace weft {

struct CFile {
  std::string name;
  std::string text;
  bool unit;  // A unit to compile, or a header.
};

// The name that line numbers of the guest's own code belong to; a line is an offset in the module.
inline constexpr const char* kGuestFile = "guest.wasm";

// Takes `c` apart. `info` is of the same module, whose imports are all of WASI. Returns the units
// and headers.
Result<std::vector<CFile>> make_c_files(wabt_ir::CSource c, const ModuleInfo& info, bool checks,
                                        Role role);

}  // namespace weft
