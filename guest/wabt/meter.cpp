// SPDX-License-Identifier: Apache-2.0
// The checks that make a guest count.
//
//   (global $budget (mut i32))                    checks left until the host is asked
//   (import "weft" "check" (func (result i32)))   asks the host, which yields the thread, or ends
//                                                 the guest, or gives the next budget (> 0)
//
// A check takes one from the budget and calls the host when nothing is left. Where:
//   - at the head of each loop;
//   - at the entry of each function that calls other functions outside of its loops. One without
//     such calls can't recurse but through a loop, and runs no longer than it is long.
//   - at the entry of a function of more than kInstructionsPerCheck instructions outside of loops;
//   - before each instruction that may move much memory: memory.fill and its like.
// What takes longer than others takes more than one: one more for each kInstructionsPerCheck
// instructions of a loop's body or a function's, and one for each KiB that is moved.
// So whatever runs without end, or long, passes checks all the time, and how many it has passed
// depends on nothing but the guest's input: the N-th check is the same one in every run, on every
// engine.
//
// In a function with loops the budget is kept in a local, which a C compiler keeps in a register:
// a count in memory costs a tight loop more than the loop. Such a function
//
//   local.set $left (global.get $budget)
//   block                       ;; takes the place of the function's own label; `return` becomes
//     ... the body ...          ;; a branch to it
//   end
//   global.set $budget (local.get $left)
//
// and writes the count back before every call of a function that may count, and reads it after.
#include "guest/wabt/meter.h"

#include <cstdlib>
#include <memory>

#include "guest/wabt/meter_cost.h"

namespace weft::meter {
namespace {

using wabt::Expr;
using wabt::ExprList;
using wabt::ExprType;
using wabt::Index;
using wabt::Type;
using wabt::Var;

Var var(Index index) {
  return Var(index, {});
}

// What a function's code says about where it must count.
struct Shape {
  bool loops = false;
  bool bulk = false;
  bool calls_outside_loops = false;
};

class Meter {
 public:
  explicit Meter(wabt::Module& module) : module_(module) {}
  void run();

 private:
  // A list of expressions that is made front to back at one place of another.
  class At {
   public:
    At(ExprList& list, ExprList::iterator where) : list_(list), where_(where) {}
    template <class E, class... Args>
    E& add(Args&&... args) {
      auto expr = std::make_unique<E>(std::forward<Args>(args)...);
      E& added = *expr;
      list_.insert(where_, std::move(expr));
      return added;
    }

   private:
    ExprList& list_;
    ExprList::iterator where_;
  };

  void add_global();
  void add_import();
  void move_function_indices();
  void move_in(ExprList& list);
  void move(Var& function) const;
  Index type_of_results(const wabt::TypeVector& results);

  void look(const ExprList& list, bool in_loop, Shape& shape) const;
  [[nodiscard]] bool counts(const Expr& expr) const;
  void meter(wabt::Func& func);
  void wrap(wabt::Func& func);
  static Index add_local(wabt::Func& func);
  void meter_list(ExprList& list, Index depth);
  void meter_bulk(ExprList& list);
  void check_global(At at, Index cost);
  void check_local(At at, Index cost);
  void check_bulk(At at, int shift, bool in_local);
  static void nothing_left(At at, Index cost);
  void ask_global(At at);
  void ask_local(At at);
  void write_back(At at);
  void read_again(At at);

  wabt::Module& module_;
  Index budget_ = 0;  // The global.
  Index check_ = 0;   // The function.
  // Locals of the function at hand.
  Index left_ = 0;
  Index size_ = 0;  // Of what a bulk instruction is about to move.
};

void Meter::add_global() {
  budget_ = static_cast<Index>(module_.globals.size());
  auto field = std::make_unique<wabt::GlobalModuleField>();
  field->global.type = Type::I32;
  field->global.mutable_ = true;
  // The host is asked at the first check.
  field->global.init_expr.push_back(std::make_unique<wabt::ConstExpr>(wabt::Const::I32(1)));
  module_.AppendField(std::move(field));
}

// The index of the type () -> results, made when the module lacks it.
Index Meter::type_of_results(const wabt::TypeVector& results) {
  wabt::FuncSignature sig;
  sig.result_types = results;
  const Index found = module_.GetFuncTypeIndex(sig);
  if (found != wabt::kInvalidIndex) return found;
  auto type = std::make_unique<wabt::FuncType>();
  type->sig = sig;
  auto field = std::make_unique<wabt::TypeModuleField>();
  field->type = std::move(type);
  module_.AppendField(std::move(field));
  return static_cast<Index>(module_.types.size() - 1);
}

void Meter::add_import() {
  check_ = module_.num_func_imports;
  auto import = std::make_unique<wabt::FuncImport>();
  import->module_name = kImportModule;
  import->field_name = kImportName;
  import->func.decl.has_func_type = true;
  import->func.decl.type_var = var(type_of_results({Type::I32}));
  import->func.decl.sig.result_types = {Type::I32};
  // Not by AppendField, which expects no function to be defined yet.
  module_.funcs.insert(module_.funcs.begin() + check_, &import->func);
  module_.imports.push_back(import.get());
  ++module_.num_func_imports;
  module_.fields.push_back(std::make_unique<wabt::ImportModuleField>(std::move(import)));
}

void Meter::move(Var& function) const {
  if (function.index() >= check_) function.set_index(function.index() + 1);
}

void Meter::move_in(ExprList& list) {
  for (Expr& expr : list) {
    if (auto* call = wabt::dyn_cast<wabt::CallExpr>(&expr)) move(call->var);
    if (auto* ref = wabt::dyn_cast<wabt::RefFuncExpr>(&expr)) move(ref->var);
    if (auto* block = wabt::dyn_cast<wabt::BlockExpr>(&expr)) move_in(block->block.exprs);
    if (auto* loop = wabt::dyn_cast<wabt::LoopExpr>(&expr)) move_in(loop->block.exprs);
    if (auto* branch = wabt::dyn_cast<wabt::IfExpr>(&expr)) {
      move_in(branch->true_.exprs);
      move_in(branch->false_);
    }
  }
}

// Whatever names a function by its index.
void Meter::move_function_indices() {
  for (wabt::Func* func : module_.funcs) move_in(func->exprs);
  for (wabt::Global* global : module_.globals) move_in(global->init_expr);
  for (wabt::ElemSegment* segment : module_.elem_segments) {
    for (ExprList& element : segment->elem_exprs) move_in(element);
  }
  for (wabt::Export* item : module_.exports) {
    if (item->kind == wabt::ExternalKind::Func) move(item->var);
  }
  for (Var* start : module_.starts) move(*start);
}

// May this expression, a call, pass a check?
bool Meter::counts(const Expr& expr) const {
  if (expr.type() == ExprType::CallIndirect) return true;
  const auto* call = wabt::dyn_cast<wabt::CallExpr>(&expr);
  return call != nullptr && call->var.index() > check_;
}

void Meter::look(const ExprList& list, bool in_loop, Shape& shape) const {
  for (const Expr& expr : list) {
    if (bulk_shift(expr.type())) shape.bulk = true;
    if (counts(expr) && !in_loop) shape.calls_outside_loops = true;
    if (const auto* block = wabt::dyn_cast<wabt::BlockExpr>(&expr)) {
      look(block->block.exprs, in_loop, shape);
    }
    if (const auto* loop = wabt::dyn_cast<wabt::LoopExpr>(&expr)) {
      shape.loops = true;
      look(loop->block.exprs, true, shape);
    }
    if (const auto* branch = wabt::dyn_cast<wabt::IfExpr>(&expr)) {
      look(branch->true_.exprs, in_loop, shape);
      look(branch->false_, in_loop, shape);
    }
  }
}

// There is always something left between two checks: so one that takes 1 leaves 0 at the least.
void Meter::nothing_left(At at, Index cost) {
  if (cost == 1) {
    at.add<wabt::ConvertExpr>(wabt::Opcode::I32Eqz);
  } else {
    at.add<wabt::ConstExpr>(wabt::Const::I32(0));
    at.add<wabt::CompareExpr>(wabt::Opcode::I32LeS);
  }
}

void Meter::check_global(At at, Index cost) {
  at.add<wabt::GlobalGetExpr>(var(budget_));
  at.add<wabt::ConstExpr>(wabt::Const::I32(cost));
  at.add<wabt::BinaryExpr>(wabt::Opcode::I32Sub);
  at.add<wabt::GlobalSetExpr>(var(budget_));
  at.add<wabt::GlobalGetExpr>(var(budget_));
  nothing_left(at, cost);
  ask_global(at);
}

void Meter::ask_global(At at) {
  ExprList& then = at.add<wabt::IfExpr>().true_.exprs;
  At inside(then, then.end());
  inside.add<wabt::CallExpr>(var(check_));
  inside.add<wabt::GlobalSetExpr>(var(budget_));
}

void Meter::check_local(At at, Index cost) {
  at.add<wabt::LocalGetExpr>(var(left_));
  at.add<wabt::ConstExpr>(wabt::Const::I32(cost));
  at.add<wabt::BinaryExpr>(wabt::Opcode::I32Sub);
  at.add<wabt::LocalTeeExpr>(var(left_));
  nothing_left(at, cost);
  ask_local(at);
}

void Meter::ask_local(At at) {
  ExprList& then = at.add<wabt::IfExpr>().true_.exprs;
  At inside(then, then.end());
  inside.add<wabt::CallExpr>(var(check_));
  inside.add<wabt::LocalSetExpr>(var(left_));
}

// Before a bulk instruction, whose last operand is what size it is of. More than a budget can hold
// is as good as all of it.
void Meter::check_bulk(At at, int shift, bool in_local) {
  at.add<wabt::LocalTeeExpr>(var(size_));
  if (in_local) {
    at.add<wabt::LocalGetExpr>(var(left_));
  } else {
    at.add<wabt::GlobalGetExpr>(var(budget_));
  }
  at.add<wabt::LocalGetExpr>(var(size_));
  if (shift < 0) {
    at.add<wabt::ConstExpr>(wabt::Const::I32(0xffff));  // Pages.
    at.add<wabt::BinaryExpr>(wabt::Opcode::I32And);
  }
  at.add<wabt::ConstExpr>(wabt::Const::I32(static_cast<std::uint32_t>(std::abs(shift))));
  at.add<wabt::BinaryExpr>(shift < 0 ? wabt::Opcode::I32Shl : wabt::Opcode::I32ShrU);
  at.add<wabt::BinaryExpr>(wabt::Opcode::I32Sub);
  if (in_local) {
    at.add<wabt::LocalTeeExpr>(var(left_));
    nothing_left(at, 2);
    ask_local(at);
  } else {
    at.add<wabt::GlobalSetExpr>(var(budget_));
    at.add<wabt::GlobalGetExpr>(var(budget_));
    nothing_left(at, 2);
    ask_global(at);
  }
}

void Meter::write_back(At at) {
  at.add<wabt::LocalGetExpr>(var(left_));
  at.add<wabt::GlobalSetExpr>(var(budget_));
}

void Meter::read_again(At at) {
  at.add<wabt::GlobalGetExpr>(var(budget_));
  at.add<wabt::LocalSetExpr>(var(left_));
}

// Of a function with loops. `depth` is how many labels of the function's own lie around the list.
void Meter::meter_list(ExprList& list, Index depth) {
  for (auto it = list.begin(); it != list.end(); ++it) {
    Expr& expr = *it;
    if (auto* block = wabt::dyn_cast<wabt::BlockExpr>(&expr)) {
      meter_list(block->block.exprs, depth + 1);
    } else if (auto* loop = wabt::dyn_cast<wabt::LoopExpr>(&expr)) {
      ExprList& body = loop->block.exprs;
      const Index cost = cost_of(length(body));
      meter_list(body, depth + 1);
      check_local(At(body, body.begin()), cost);
    } else if (auto* branch = wabt::dyn_cast<wabt::IfExpr>(&expr)) {
      meter_list(branch->true_.exprs, depth + 1);
      meter_list(branch->false_, depth + 1);
    } else if (expr.type() == ExprType::Return) {
      list.insert(it, std::make_unique<wabt::BrExpr>(var(depth)));
      it = list.erase(it);
      --it;
    } else if (const auto shift = bulk_shift(expr.type())) {
      check_bulk(At(list, it), *shift, true);
    } else if (counts(expr)) {
      write_back(At(list, it));
      auto behind = it;
      read_again(At(list, ++behind));
      ++it;  // The two that were just added.
      ++it;
    }
  }
}

// Of a function without loops.
void Meter::meter_bulk(ExprList& list) {
  for (auto it = list.begin(); it != list.end(); ++it) {
    if (auto* block = wabt::dyn_cast<wabt::BlockExpr>(&*it)) {
      meter_bulk(block->block.exprs);
    } else if (auto* branch = wabt::dyn_cast<wabt::IfExpr>(&*it)) {
      meter_bulk(branch->true_.exprs);
      meter_bulk(branch->false_);
    } else if (const auto shift = bulk_shift(it->type())) {
      check_bulk(At(list, it), *shift, false);
    }
  }
}

// Puts the body into a block that takes the place of the function's label.
void Meter::wrap(wabt::Func& func) {
  auto block = std::make_unique<wabt::BlockExpr>();
  const wabt::TypeVector& results = func.decl.sig.result_types;
  block->block.decl.sig.result_types = results;
  if (results.size() > 1) {
    block->block.decl.has_func_type = true;
    block->block.decl.type_var = var(type_of_results(results));
  }
  block->block.exprs.splice(block->block.exprs.end(), func.exprs);
  func.exprs.push_back(std::move(block));
}

Index Meter::add_local(wabt::Func& func) {
  const Index index = func.GetNumParamsAndLocals();
  func.local_types.AppendDecl(Type::I32, 1);
  return index;
}

void Meter::meter(wabt::Func& func) {
  Shape shape;
  look(func.exprs, false, shape);
  const Index cost = cost_of(length(func.exprs));
  const bool checks_entry = shape.calls_outside_loops || cost > 1;
  if (shape.bulk) size_ = add_local(func);
  if (!shape.loops) {
    if (shape.bulk) meter_bulk(func.exprs);
    if (checks_entry) check_global(At(func.exprs, func.exprs.begin()), cost);
    return;
  }
  left_ = add_local(func);
  meter_list(func.exprs, 0);
  wrap(func);
  const At front(func.exprs, func.exprs.begin());
  read_again(front);
  if (checks_entry) check_local(front, cost);
  write_back(At(func.exprs, func.exprs.end()));
}

void Meter::run() {
  add_global();
  add_import();
  move_function_indices();
  for (std::size_t i = check_ + 1; i < module_.funcs.size(); ++i) meter(*module_.funcs[i]);
}

}  // namespace

void add_checks(wabt::Module& module) {
  Meter(module).run();
}

}  // namespace weft::meter
