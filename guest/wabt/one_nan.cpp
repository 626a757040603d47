// SPDX-License-Identifier: Apache-2.0
// One NaN. WebAssembly leaves the bits of a NaN that arithmetic makes to the processor, and a C
// compiler may swap operands, which decides whose bits come through. A guest can see them. Where a
// run must be the same everywhere, each instruction that may make a NaN is followed by
//
//   local.tee $t
//   f64.const nan          ;; the canonical one: positive, quiet, no payload
//   local.get $t
//   local.get $t
//   f64.eq
//   select                 ;; itself, or that NaN
//
// which is what libwabt's interpreter does by itself. What only moves bits (loads, reinterpret,
// abs, neg, copysign, promote) keeps the NaNs that it is given, on every processor.
#include "guest/wabt/one_nan.h"

#include <memory>

namespace weft::one_nan {
namespace {

using wabt::Expr;
using wabt::ExprList;
using wabt::Opcode;
using wabt::Type;

// What an instruction leaves that may be a new NaN; Void: it can't.
Type may_make_nan(const Expr& expr) {
  if (const auto* unary = wabt::dyn_cast<wabt::UnaryExpr>(&expr)) {
    switch (static_cast<Opcode::Enum>(unary->opcode)) {
      case Opcode::F32Ceil:
      case Opcode::F32Floor:
      case Opcode::F32Trunc:
      case Opcode::F32Nearest:
      case Opcode::F32Sqrt:
      case Opcode::F64Ceil:
      case Opcode::F64Floor:
      case Opcode::F64Trunc:
      case Opcode::F64Nearest:
      case Opcode::F64Sqrt:
        return unary->opcode.GetResultType();
      default:
        return Type::Void;
    }
  }
  if (const auto* binary = wabt::dyn_cast<wabt::BinaryExpr>(&expr)) {
    switch (static_cast<Opcode::Enum>(binary->opcode)) {
      case Opcode::F32Add:
      case Opcode::F32Sub:
      case Opcode::F32Mul:
      case Opcode::F32Div:
      case Opcode::F32Min:
      case Opcode::F32Max:
      case Opcode::F64Add:
      case Opcode::F64Sub:
      case Opcode::F64Mul:
      case Opcode::F64Div:
      case Opcode::F64Min:
      case Opcode::F64Max:
        return binary->opcode.GetResultType();
      default:
        return Type::Void;
    }
  }
  if (const auto* convert = wabt::dyn_cast<wabt::ConvertExpr>(&expr)) {
    return convert->opcode == Opcode::F32DemoteF64 ? Type::F32 : Type::Void;
  }
  return Type::Void;
}

class Function {
 public:
  explicit Function(wabt::Func& func) : func_(func) {}
  void rewrite() { rewrite(func_.exprs); }

 private:
  // The local that holds the result; made when it is first needed.
  wabt::Index local(Type type) {
    wabt::Index& index = type == Type::F32 ? f32_ : f64_;
    if (index == wabt::kInvalidIndex) {
      index = func_.GetNumParamsAndLocals();
      func_.local_types.AppendDecl(type, 1);
    }
    return index;
  }

  void rewrite(ExprList& list) {
    for (auto it = list.begin(); it != list.end(); ++it) {
      if (auto* block = wabt::dyn_cast<wabt::BlockExpr>(&*it)) rewrite(block->block.exprs);
      if (auto* loop = wabt::dyn_cast<wabt::LoopExpr>(&*it)) rewrite(loop->block.exprs);
      if (auto* branch = wabt::dyn_cast<wabt::IfExpr>(&*it)) {
        rewrite(branch->true_.exprs);
        rewrite(branch->false_);
      }
      const Type type = may_make_nan(*it);
      if (type != Type::Void) it = settle(list, it, type);
    }
  }

  // Returns the last instruction that was added.
  ExprList::iterator settle(ExprList& list, ExprList::iterator made, Type type) {
    const wabt::Var t(local(type), {});
    const bool narrow = type == Type::F32;
    const auto nan = narrow ? wabt::Const::F32(0x7fc0'0000) : wabt::Const::F64(0x7ff8ULL << 48);
    auto at = ++made;
    list.insert(at, std::make_unique<wabt::LocalTeeExpr>(t));
    list.insert(at, std::make_unique<wabt::ConstExpr>(nan));
    list.insert(at, std::make_unique<wabt::LocalGetExpr>(t));
    list.insert(at, std::make_unique<wabt::LocalGetExpr>(t));
    list.insert(at, std::make_unique<wabt::CompareExpr>(narrow ? Opcode::F32Eq : Opcode::F64Eq));
    return list.insert(at, std::make_unique<wabt::SelectExpr>(wabt::TypeVector{type}));
  }

  wabt::Func& func_;
  wabt::Index f32_ = wabt::kInvalidIndex;
  wabt::Index f64_ = wabt::kInvalidIndex;
};

}  // namespace

void make(wabt::Module& module) {
  for (wabt::Index i = module.num_func_imports; i < module.funcs.size(); ++i) {
    Function(*module.funcs[i]).rewrite();
  }
}

}  // namespace weft::one_nan
