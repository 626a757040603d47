// SPDX-License-Identifier: Apache-2.0
// The rewriting pass on libwabt's IR that gives NaNs one bit pattern: see one_nan.cpp.
//
// C++17, as libwabt 1.0.32's headers demand; included by guest/wabt/wabt_ir.cpp only.
#pragma once

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <wabt/cast.h>
#include <wabt/ir.h>
#pragma GCC diagnostic pop

namespace weft::one_nan {

// Rewrites a valid module whose variables are all indices. Knows nothing of vectors. Recursive in
// the nesting of blocks.
void make(wabt::Module& module);

}  // namespace weft::one_nan
