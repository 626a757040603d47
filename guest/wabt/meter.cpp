// SPDX-License-Identifier: Apache-2.0
// Fuel points: they make a guest count what it does. What these words say holds on every engine.
// All engines pass the same fuel points in the same order, and each takes the same fuel. So a guest
// ends, and in virtual time yields, in the same place on every engine.
//
// Where a fuel point stands, and what it costs:
//   1. at the entry of each function that the module defines, and at the head of each loop, passed
//      at the loop's entry and at every branch back to it: 1 + W / 256, rounded down, where W is
//      the weight of the heaviest way from there to the next fuel point of this kind, or out;
//   2. before each instruction that moves much, behind its operands. N is its last operand, as an
//      unsigned number. It may cost nothing, and is charged whether the instruction traps or not:
//        memory.fill, memory.copy, memory.init              N / 1024: one for each KiB
//        memory.grow                                        N * 64 if N <= 65536, else nothing
//        table.fill, table.copy, table.init, table.grow     N / 64
//
// Weight: each instruction of the binary weighs 1 (block, loop, if and nop too, but not `else` and
// `end`); a call of an import weighs 256. W is found in one pass over the function, with two
// stacks. One has the regions: the function, and the loops around the current place. A region has
// `at`, the weight of the heaviest way to here, and W, the largest `at` so far. The other has
// labels with `most`:
//
//   an instruction             `at` of the innermost region grows by its weight, before all else
//   loop                       a region with at = 0 begins; the one around it goes on at its end
//   br, br_if, br_table L...   most of L = max(most of L, `at` of the region that L stands in),
//                              unless L is a loop's
//   br, br_table, return, unreachable     at = 0: the way ends
//   else, end of an if         the arm begins with the `at` of the if; at = the larger of both arms
//   end                        at = max(at, most of the label)
//
// (In WebAssembly 3.0: a tail call is a call and a return; br_on_null and br_on_non_null are a
// br_if; throw and throw_ref end the way; a catch of try_table is a br_if at its `end`. An
// exception on its way takes a fuel of 1 for each 256 tries and clauses that are looked at in one
// frame, and asks the host when nothing is left.) So a fuel of 1 stands for at most 256
// instructions, one call of the host or one KiB. What (2) moves at once can be more: the engines do
// that in steps.
//
// The count: `left` > 0 is the fuel that the guest may use before it asks the host. A fuel point
// takes its cost from `left`. When nothing is left (`left` <= 0) it asks the host for more, and
// says how much is missing. The host takes that debt and a quantum from the guest's fuel
// (guest/fuel.h), lets others run, and gives the quantum; or, when the fuel is not more than the
// debt, it ends the guest. So a guest with a fuel of N ends at the first fuel point at which all
// costs so far make N or more, however large one of them is. Before the first fuel point `left` is
// 1.
//
//   (global $budget (mut i32))                                left
//   (import "weft" "refill" (func (param i32) (result i32)))  asks the host
//
// In a function with loops `left` is kept in a local, which a C compiler keeps in a register: a
// count in memory costs a tight loop more than the loop. Such a function
//
//   local.set $left (global.get $budget)
//   block                       ;; takes the place of the function's own label; `return` becomes
//     ... the body ...          ;; a branch to it
//   end
//   global.set $budget (local.get $left)
//
// and writes the count back before every call of a function that may count, and reads it after.
#include "guest/wabt/meter.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace weft::meter {
namespace {

using wabt::Expr;
using wabt::ExprList;
using wabt::ExprType;
using wabt::Index;
using wabt::Type;
using wabt::Var;

constexpr Index kWeightPerFuel = 256;
constexpr std::uint32_t kPagesMax = 65'536;

Var var(Index index) {
  return Var(index, {});
}

// Of a fuel point at the head of what weighs so much.
Index cost_of(Index weight) {
  return 1 + weight / kWeightPerFuel;
}

// How often the last operand of a bulk instruction has to be halved to be its cost; negative:
// doubled. None for other instructions.
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

// What a function's code says about where it must count.
struct Shape {
  bool loops = false;
  bool bulk = false;
};

// The weights of a function and of its loops: the pass that is described above.
class Weights {
 public:
  // Imports are functions below `defined`.
  Weights(const wabt::Func& func, Index defined) : defined_(defined) {
    regions_.push_back({});
    labels_.push_back({0, 0, false});
    pass(func.exprs);
    of_function_ = regions_.back().weight;
  }

  [[nodiscard]] Index of_function() const { return of_function_; }
  [[nodiscard]] Index of(const Expr& loop) const { return of_loops_.at(&loop); }

 private:
  struct Region {
    Index at = 0;
    Index weight = 0;
  };
  struct Label {
    std::size_t region;
    Index most;
    bool of_loop;
  };

  void pass(const ExprList& list);
  void pass_block(const ExprList& list);
  void pass_loop(const Expr& loop, const ExprList& list);
  void pass_if(const wabt::IfExpr& branch);
  void add(Index weight);
  void branch_to(const Var& target);
  void end_label();
  [[nodiscard]] Index& at() { return regions_.back().at; }

  const Index defined_;
  std::vector<Region> regions_;
  std::vector<Label> labels_;
  std::unordered_map<const Expr*, Index> of_loops_;
  Index of_function_ = 0;
};

void Weights::add(Index weight) {
  Region& region = regions_.back();
  region.at += weight;
  region.weight = std::max(region.weight, region.at);
}

void Weights::branch_to(const Var& target) {
  Label& label = labels_[labels_.size() - 1 - target.index()];
  if (!label.of_loop) label.most = std::max(label.most, regions_[label.region].at);
}

void Weights::end_label() {
  at() = std::max(at(), labels_.back().most);
  labels_.pop_back();
}

void Weights::pass_block(const ExprList& list) {
  labels_.push_back({regions_.size() - 1, 0, false});
  pass(list);
  end_label();
}

void Weights::pass_loop(const Expr& loop, const ExprList& list) {
  regions_.push_back({});
  labels_.push_back({regions_.size() - 1, 0, true});
  pass(list);
  labels_.pop_back();
  of_loops_[&loop] = regions_.back().weight;
  regions_.pop_back();
}

void Weights::pass_if(const wabt::IfExpr& branch) {
  const Index before = at();
  labels_.push_back({regions_.size() - 1, 0, false});
  pass(branch.true_.exprs);
  const Index behind_true = std::exchange(at(), before);
  pass(branch.false_);
  at() = std::max(at(), behind_true);
  end_label();
}

void Weights::pass(const ExprList& list) {
  for (const Expr& expr : list) {
    const auto* call = wabt::dyn_cast<wabt::CallExpr>(&expr);
    add(call != nullptr && call->var.index() < defined_ ? kWeightPerFuel : 1);
    if (const auto* block = wabt::dyn_cast<wabt::BlockExpr>(&expr)) pass_block(block->block.exprs);
    if (const auto* loop = wabt::dyn_cast<wabt::LoopExpr>(&expr)) {
      pass_loop(*loop, loop->block.exprs);
    }
    if (const auto* branch = wabt::dyn_cast<wabt::IfExpr>(&expr)) pass_if(*branch);
    if (const auto* branch = wabt::dyn_cast<wabt::BrIfExpr>(&expr)) branch_to(branch->var);
    if (const auto* branch = wabt::dyn_cast<wabt::BrExpr>(&expr)) branch_to(branch->var);
    if (const auto* table = wabt::dyn_cast<wabt::BrTableExpr>(&expr)) {
      for (const Var& target : table->targets) branch_to(target);
      branch_to(table->default_target);
    }
    const ExprType type = expr.type();
    if (type == ExprType::Br || type == ExprType::BrTable || type == ExprType::Return ||
        type == ExprType::Unreachable) {
      at() = 0;
    }
  }
}

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
  Index type_of(const wabt::TypeVector& params, const wabt::TypeVector& results);

  static void look(const ExprList& list, Shape& shape);
  [[nodiscard]] bool counts(const Expr& expr) const;
  void meter(wabt::Func& func);
  void wrap(wabt::Func& func);
  static Index add_local(wabt::Func& func);
  void meter_list(ExprList& list, const Weights& weights, Index depth);
  void meter_bulk(ExprList& list);
  void fuel_point_global(At at, Index cost);
  void fuel_point_local(At at, Index cost);
  void fuel_point_bulk(At at, int shift, bool in_local);
  static void nothing_left(At at, Index cost);
  void ask_global(At at);
  void ask_local(At at);
  void write_back(At at);
  void read_again(At at);

  wabt::Module& module_;
  Index budget_ = 0;  // The global.
  Index refill_ = 0;  // The function.
  // Locals of the current function.
  Index left_ = 0;
  Index size_ = 0;  // Of what a bulk instruction is about to move.
};

void Meter::add_global() {
  budget_ = static_cast<Index>(module_.globals.size());
  auto field = std::make_unique<wabt::GlobalModuleField>();
  field->global.type = Type::I32;
  field->global.mutable_ = true;
  // The host is asked at the first fuel point.
  field->global.init_expr.push_back(std::make_unique<wabt::ConstExpr>(wabt::Const::I32(1)));
  module_.AppendField(std::move(field));
}

// The index of the type params -> results, made when the module lacks it.
Index Meter::type_of(const wabt::TypeVector& params, const wabt::TypeVector& results) {
  wabt::FuncSignature sig;
  sig.param_types = params;
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
  refill_ = module_.num_func_imports;
  auto import = std::make_unique<wabt::FuncImport>();
  import->module_name = kImportModule;
  import->field_name = kImportName;
  import->func.decl.has_func_type = true;
  import->func.decl.type_var = var(type_of({Type::I32}, {Type::I32}));
  import->func.decl.sig.param_types = {Type::I32};
  import->func.decl.sig.result_types = {Type::I32};
  // Not by AppendField, which expects no function to be defined yet.
  module_.funcs.insert(module_.funcs.begin() + refill_, &import->func);
  module_.imports.push_back(import.get());
  ++module_.num_func_imports;
  module_.fields.push_back(std::make_unique<wabt::ImportModuleField>(std::move(import)));
}

void Meter::move(Var& function) const {
  if (function.index() >= refill_) function.set_index(function.index() + 1);
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

// May this expression, a call, pass a fuel point?
bool Meter::counts(const Expr& expr) const {
  if (expr.type() == ExprType::CallIndirect) return true;
  const auto* call = wabt::dyn_cast<wabt::CallExpr>(&expr);
  return call != nullptr && call->var.index() > refill_;
}

void Meter::look(const ExprList& list, Shape& shape) {
  for (const Expr& expr : list) {
    if (bulk_shift(expr.type())) shape.bulk = true;
    if (const auto* block = wabt::dyn_cast<wabt::BlockExpr>(&expr)) {
      look(block->block.exprs, shape);
    }
    if (const auto* loop = wabt::dyn_cast<wabt::LoopExpr>(&expr)) {
      shape.loops = true;
      look(loop->block.exprs, shape);
    }
    if (const auto* branch = wabt::dyn_cast<wabt::IfExpr>(&expr)) {
      look(branch->true_.exprs, shape);
      look(branch->false_, shape);
    }
  }
}

// Between two fuel points `left` is at least 1: one that costs 1 leaves 0 or more.
void Meter::nothing_left(At at, Index cost) {
  if (cost == 1) {
    at.add<wabt::ConvertExpr>(wabt::Opcode::I32Eqz);
  } else {
    at.add<wabt::ConstExpr>(wabt::Const::I32(0));
    at.add<wabt::CompareExpr>(wabt::Opcode::I32LeS);
  }
}

void Meter::fuel_point_global(At at, Index cost) {
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
  inside.add<wabt::GlobalGetExpr>(var(budget_));
  inside.add<wabt::CallExpr>(var(refill_));
  inside.add<wabt::GlobalSetExpr>(var(budget_));
}

void Meter::fuel_point_local(At at, Index cost) {
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
  inside.add<wabt::LocalGetExpr>(var(left_));
  inside.add<wabt::CallExpr>(var(refill_));
  inside.add<wabt::LocalSetExpr>(var(left_));
}

// Before a bulk instruction; its last operand is its size.
void Meter::fuel_point_bulk(At at, int shift, bool in_local) {
  at.add<wabt::LocalTeeExpr>(var(size_));
  if (in_local) {
    at.add<wabt::LocalGetExpr>(var(left_));
  } else {
    at.add<wabt::GlobalGetExpr>(var(budget_));
  }
  at.add<wabt::LocalGetExpr>(var(size_));
  if (shift < 0) {  // What is more than there can be fails at once.
    at.add<wabt::ConstExpr>(wabt::Const::I32(0));
    at.add<wabt::LocalGetExpr>(var(size_));
    at.add<wabt::ConstExpr>(wabt::Const::I32(kPagesMax));
    at.add<wabt::CompareExpr>(wabt::Opcode::I32LeU);
    at.add<wabt::SelectExpr>(wabt::TypeVector{Type::I32});
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
void Meter::meter_list(ExprList& list, const Weights& weights, Index depth) {
  for (auto it = list.begin(); it != list.end(); ++it) {
    Expr& expr = *it;
    if (auto* block = wabt::dyn_cast<wabt::BlockExpr>(&expr)) {
      meter_list(block->block.exprs, weights, depth + 1);
    } else if (auto* loop = wabt::dyn_cast<wabt::LoopExpr>(&expr)) {
      ExprList& body = loop->block.exprs;
      const Index cost = cost_of(weights.of(*loop));
      meter_list(body, weights, depth + 1);
      fuel_point_local(At(body, body.begin()), cost);
    } else if (auto* branch = wabt::dyn_cast<wabt::IfExpr>(&expr)) {
      meter_list(branch->true_.exprs, weights, depth + 1);
      meter_list(branch->false_, weights, depth + 1);
    } else if (expr.type() == ExprType::Return) {
      list.insert(it, std::make_unique<wabt::BrExpr>(var(depth)));
      it = list.erase(it);
      --it;
    } else if (const auto shift = bulk_shift(expr.type())) {
      fuel_point_bulk(At(list, it), *shift, true);
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
      fuel_point_bulk(At(list, it), *shift, false);
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
    block->block.decl.type_var = var(type_of({}, results));
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
  look(func.exprs, shape);
  const Weights weights(func, refill_);
  const Index cost = cost_of(weights.of_function());
  if (shape.bulk) size_ = add_local(func);
  if (!shape.loops) {
    if (shape.bulk) meter_bulk(func.exprs);
    fuel_point_global(At(func.exprs, func.exprs.begin()), cost);
    return;
  }
  left_ = add_local(func);
  meter_list(func.exprs, weights, 0);
  wrap(func);
  const At front(func.exprs, func.exprs.begin());
  read_again(front);
  fuel_point_local(front, cost);
  write_back(At(func.exprs, func.exprs.end()));
}

void Meter::run() {
  add_global();
  add_import();
  move_function_indices();
  for (std::size_t i = refill_ + 1; i < module_.funcs.size(); ++i) meter(*module_.funcs[i]);
}

}  // namespace

void add_fuel_points(wabt::Module& module) {
  Meter(module).run();
}

}  // namespace weft::meter
