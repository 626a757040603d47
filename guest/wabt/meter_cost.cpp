// SPDX-License-Identifier: Apache-2.0
#include "guest/wabt/meter_cost.h"

namespace weft::meter {

using wabt::Expr;
using wabt::ExprList;
using wabt::ExprType;
using wabt::Index;

namespace {

constexpr Index kInstructionsPerCheck = 1'024;

}  // namespace

Index length(const ExprList& list) {
  Index sum = 0;
  for (const Expr& expr : list) {
    ++sum;
    if (const auto* block = wabt::dyn_cast<wabt::BlockExpr>(&expr)) {
      sum += length(block->block.exprs);
    } else if (const auto* branch = wabt::dyn_cast<wabt::IfExpr>(&expr)) {
      sum += length(branch->true_.exprs) + length(branch->false_);
    }
  }
  return sum;
}

Index cost_of(Index instructions) {
  return 1 + instructions / kInstructionsPerCheck;
}

std::optional<int> bulk_shift(ExprType type) {
  switch (type) {
    case ExprType::MemoryFill:
    case ExprType::MemoryCopy:
    case ExprType::MemoryInit:
      return 10;
    case ExprType::TableFill:
    case ExprType::TableCopy:
    case ExprType::TableInit:
    case ExprType::TableGrow:
      return 6;
    case ExprType::MemoryGrow:
      return -6;
    default:
      return std::nullopt;
  }
}

}  // namespace weft::meter
