// SPDX-License-Identifier: Apache-2.0
// What libwabt's C writer can write. It aborts the process at what it does not know, so the module
// is compared first with a list of what it knows.
//
// C++17 like guest/wabt/meter.h; included by guest/wabt/wabt_ir.cpp only.
#pragma once

#include <cstddef>
#include <string>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <wabt/cast.h>
#include <wabt/ir.h>
#pragma GCC diagnostic pop

namespace weft::wabt_ir {

// What a valid module of so many bytes needs and the C writer lacks, or "".
std::string unsupported_in_c(const wabt::Module& module, std::size_t bytes);

}  // namespace weft::wabt_ir
