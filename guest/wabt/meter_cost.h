// SPDX-License-Identifier: Apache-2.0
// What a check of guest/wabt/meter.cpp takes from the budget.
//
// C++17, as libwabt 1.0.32's headers demand.
#pragma once

#include <optional>

#include "guest/wabt/meter.h"

namespace weft::meter {

// How many instructions there are outside of the list's loops. Recursive in the nesting of blocks.
wabt::Index length(const wabt::ExprList& list);

// Of a check at the head of so many instructions.
wabt::Index cost_of(wabt::Index instructions);

// How often the size of what a bulk instruction moves has to be halved to be its cost, when its
// last operand is that size; negative: doubled. None for other instructions.
std::optional<int> bulk_shift(wabt::ExprType type);

}  // namespace weft::meter
