// SPDX-License-Identifier: Apache-2.0
// Values of libwabt's interpreter as 64-bit words, and back: see Instance::call in guest/engine.h.
//
// C++17, as libwabt 1.0.32's headers demand.
#pragma once

#include <cstdint>

#include "guest/wabt/wabt_access.h"

namespace weft::interp_core {

// As many values as there are types. A reference that is not null becomes an object of the store.
wabt::interp::Values values_from(wabt::interp::Store& store, const wabt::interp::ValueTypes& types,
                                 const std::uint64_t* words);

void values_into(wabt::interp::Store& store, const wabt::interp::ValueTypes& types,
                 const wabt::interp::Values& values, std::uint64_t* words);

}  // namespace weft::interp_core
