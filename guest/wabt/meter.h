// SPDX-License-Identifier: Apache-2.0
// The rewriting pass on libwabt's IR that makes a guest count and so end or yield: see meter.cpp.
//
// C++17, as libwabt 1.0.32's headers demand; included by guest/wabt/wabt_ir.cpp only.
#pragma once

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <wabt/cast.h>
#include <wabt/ir.h>
#pragma GCC diagnostic pop

namespace weft::meter {

// What the pass calls its import: the last one of the module, behind all of its own.
inline constexpr const char* kImportModule = "weft";
inline constexpr const char* kImportName = "refill";

// Puts fuel points into a valid module whose variables are all indices (as ReadBinaryIr leaves it).
// Every function that the module defines has an index one higher afterwards. Recursive in the
// nesting of blocks.
void add_fuel_points(wabt::Module& module);

}  // namespace weft::meter
