// SPDX-License-Identifier: Apache-2.0
#include "guest/wabt/c_support.h"

#include <cstdint>

namespace weft::wabt_ir {
namespace {

using wabt::Expr;
using wabt::ExprList;
using wabt::ExprType;

bool writable(wabt::Type type) {
  return type == wabt::Type::I32 || type == wabt::Type::I64 || type == wabt::Type::F32 ||
         type == wabt::Type::F64 || type == wabt::Type::FuncRef || type == wabt::Type::ExternRef;
}

bool writable(const wabt::TypeVector& types) {
  for (const wabt::Type type : types) {
    if (!writable(type)) return false;
  }
  return true;
}

bool is_vector(wabt::Opcode opcode) {
  return !writable(opcode.GetResultType()) && opcode.GetResultType() != wabt::Type::Void;
}

bool writable(ExprType type) {
  switch (type) {
    case ExprType::Binary:
    case ExprType::Block:
    case ExprType::Br:
    case ExprType::BrIf:
    case ExprType::BrTable:
    case ExprType::Call:
    case ExprType::CallIndirect:
    case ExprType::Compare:
    case ExprType::Const:
    case ExprType::Convert:
    case ExprType::DataDrop:
    case ExprType::Drop:
    case ExprType::ElemDrop:
    case ExprType::GlobalGet:
    case ExprType::GlobalSet:
    case ExprType::If:
    case ExprType::Load:
    case ExprType::LocalGet:
    case ExprType::LocalSet:
    case ExprType::LocalTee:
    case ExprType::Loop:
    case ExprType::MemoryCopy:
    case ExprType::MemoryFill:
    case ExprType::MemoryGrow:
    case ExprType::MemoryInit:
    case ExprType::MemorySize:
    case ExprType::Nop:
    case ExprType::RefFunc:
    case ExprType::RefIsNull:
    case ExprType::RefNull:
    case ExprType::Return:
    case ExprType::Select:
    case ExprType::Store:
    case ExprType::TableCopy:
    case ExprType::TableFill:
    case ExprType::TableGet:
    case ExprType::TableGrow:
    case ExprType::TableInit:
    case ExprType::TableSet:
    case ExprType::TableSize:
    case ExprType::Unary:
    case ExprType::Unreachable:
      return true;
    default:
      return false;
  }
}

bool writable(const ExprList& list);

// Instructions that exist for vectors too.
bool writable(const Expr& expr) {
  if (!writable(expr.type())) return false;
  if (const auto* block = wabt::dyn_cast<wabt::BlockExpr>(&expr)) {
    return writable(block->block.exprs);
  }
  if (const auto* loop = wabt::dyn_cast<wabt::LoopExpr>(&expr)) {
    return writable(loop->block.exprs);
  }
  if (const auto* branch = wabt::dyn_cast<wabt::IfExpr>(&expr)) {
    return writable(branch->true_.exprs) && writable(branch->false_);
  }
  if (const auto* constant = wabt::dyn_cast<wabt::ConstExpr>(&expr)) {
    return writable(constant->const_.type());
  }
  if (const auto* unary = wabt::dyn_cast<wabt::UnaryExpr>(&expr)) return !is_vector(unary->opcode);
  if (const auto* binary = wabt::dyn_cast<wabt::BinaryExpr>(&expr)) {
    return !is_vector(binary->opcode);
  }
  if (const auto* load = wabt::dyn_cast<wabt::LoadExpr>(&expr)) return !is_vector(load->opcode);
  return true;
}

bool writable(const ExprList& list) {
  for (const Expr& expr : list) {
    if (!writable(expr)) return false;
  }
  return true;
}

// The C writer indents each line by its depth: what is nested 300,000 deep would fill the memory.
// What compilers make is less than 64 deep on the average; an instruction is a byte at least.
constexpr std::uint64_t kIndentationMax = 30'000'000;
constexpr std::uint64_t kDepthMax = 64;

std::uint64_t indentation(const ExprList& list, std::uint64_t depth) {
  std::uint64_t sum = 0;
  for (const Expr& expr : list) {
    sum += depth;
    if (const auto* block = wabt::dyn_cast<wabt::BlockExpr>(&expr)) {
      sum += indentation(block->block.exprs, depth + 1);
    } else if (const auto* loop = wabt::dyn_cast<wabt::LoopExpr>(&expr)) {
      sum += indentation(loop->block.exprs, depth + 1);
    } else if (const auto* branch = wabt::dyn_cast<wabt::IfExpr>(&expr)) {
      sum += indentation(branch->true_.exprs, depth + 1) + indentation(branch->false_, depth + 1);
    }
  }
  return sum;
}

}  // namespace

std::string unsupported_in_c(const wabt::Module& module, std::size_t bytes) {
  constexpr const char* kVectors =
      "the module uses SIMD or another instruction that the engine aot does not support; "
      "--engine=interp does";
  std::uint64_t indented = 0;
  for (const wabt::Func* func : module.funcs) {
    indented += indentation(func->exprs, 1);
    if (indented > kIndentationMax + kDepthMax * bytes) {
      return "the module's blocks are nested too deep for the engine aot; --engine=interp runs it";
    }
    const auto& locals = func->local_types.decls();
    for (const auto& [type, count] : locals) {
      if (!writable(type)) return kVectors;
    }
    if (!writable(func->decl.sig.param_types) || !writable(func->decl.sig.result_types) ||
        !writable(func->exprs)) {
      return kVectors;
    }
  }
  for (const wabt::TypeEntry* entry : module.types) {
    const auto* type = wabt::dyn_cast<wabt::FuncType>(entry);
    if (type == nullptr) return "the module has a type that is not a function's";
    if (!writable(type->sig.param_types) || !writable(type->sig.result_types)) return kVectors;
  }
  for (const wabt::Global* global : module.globals) {
    if (!writable(global->type)) return kVectors;
  }
  for (const wabt::Import* import : module.imports) {
    if (import->kind() != wabt::ExternalKind::Func) return "an import of the module is no function";
  }
  return {};
}

}  // namespace weft::wabt_ir
