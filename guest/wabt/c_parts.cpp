// SPDX-License-Identifier: Apache-2.0
// See guest/wabt/c_parts.h. The writer reaches everything through the module's vectors and the
// tables of names beside them; those are exchanged, and put back when it is done.
#include "guest/wabt/c_parts.h"

#include <algorithm>
#include <utility>

namespace weft::wabt_ir {
namespace {

using wabt::Expr;
using wabt::ExprList;
using wabt::ExprType;
using wabt::Index;

// As many functions and stubs as the writer's copies of names are still small with.
constexpr std::size_t kNamesPerPart = 128;

void collect(const wabt::Module& module, const ExprList& list, Named& named) {
  for (const Expr& expr : list) {
    switch (expr.type()) {
      case ExprType::Block:
        collect(module, wabt::cast<wabt::BlockExpr>(&expr)->block.exprs, named);
        break;
      case ExprType::Loop:
        collect(module, wabt::cast<wabt::LoopExpr>(&expr)->block.exprs, named);
        break;
      case ExprType::If:
        collect(module, wabt::cast<wabt::IfExpr>(&expr)->true_.exprs, named);
        collect(module, wabt::cast<wabt::IfExpr>(&expr)->false_, named);
        break;
      case ExprType::Call:
        named.functions.insert(module.GetFuncIndex(wabt::cast<wabt::CallExpr>(&expr)->var));
        break;
      case ExprType::RefFunc:
        named.functions.insert(module.GetFuncIndex(wabt::cast<wabt::RefFuncExpr>(&expr)->var));
        break;
      case ExprType::GlobalGet:
        named.globals.insert(module.GetGlobalIndex(wabt::cast<wabt::GlobalGetExpr>(&expr)->var));
        break;
      case ExprType::GlobalSet:
        named.globals.insert(module.GetGlobalIndex(wabt::cast<wabt::GlobalSetExpr>(&expr)->var));
        break;
      case ExprType::MemoryInit:
        named.data.insert(module.GetDataSegmentIndex(wabt::cast<wabt::MemoryInitExpr>(&expr)->var));
        break;
      case ExprType::DataDrop:
        named.data.insert(module.GetDataSegmentIndex(wabt::cast<wabt::DataDropExpr>(&expr)->var));
        break;
      case ExprType::TableInit:
        named.elements.insert(
            module.GetElemSegmentIndex(wabt::cast<wabt::TableInitExpr>(&expr)->segment_index));
        break;
      case ExprType::ElemDrop:
        named.elements.insert(
            module.GetElemSegmentIndex(wabt::cast<wabt::ElemDropExpr>(&expr)->var));
        break;
      default:
        break;
    }
  }
}

// Here libwabt leaves indices.
void name_functions(const wabt::Module& module, ExprList& list) {
  for (Expr& expr : list) {
    if (auto* ref = wabt::dyn_cast<wabt::RefFuncExpr>(&expr)) {
      ref->var.set_name(std::string(module.GetFunc(ref->var)->name));
    }
  }
}

template <class T>
void name_all(const std::vector<T*>& items, wabt::BindingHash& bindings) {
  bindings.clear();
  for (std::size_t i = 0; i < items.size(); ++i) {
    bindings.emplace(items[i]->name, wabt::Binding(static_cast<Index>(i)));
  }
}

// The values of globals and elements that no function's C depends on.
void set_null(ExprList& list, wabt::Type type) {
  if (type == wabt::Type::FuncRef || type == wabt::Type::ExternRef) {
    list.push_back(std::make_unique<wabt::RefNullExpr>(type));
    return;
  }
  wabt::Const zero;
  if (type == wabt::Type::I64) zero = wabt::Const::I64();
  if (type == wabt::Type::F32) zero = wabt::Const::F32();
  if (type == wabt::Type::F64) zero = wabt::Const::F64();
  list.push_back(std::make_unique<wabt::ConstExpr>(zero));
}

std::unique_ptr<wabt::Global> stand_in(const wabt::Global& of) {
  auto global = std::make_unique<wabt::Global>(of.name);
  global->type = of.type;
  global->mutable_ = of.mutable_;
  set_null(global->init_expr, of.type);
  return global;
}

std::unique_ptr<wabt::DataSegment> stand_in(const wabt::DataSegment& of) {
  auto segment = std::make_unique<wabt::DataSegment>(of.name);
  segment->kind = of.kind;
  segment->memory_var = of.memory_var;
  segment->data.resize(of.data.size());  // The length is in the C of memory.init.
  return segment;
}

std::unique_ptr<wabt::ElemSegment> stand_in(const wabt::ElemSegment& of) {
  auto segment = std::make_unique<wabt::ElemSegment>(of.name);
  segment->kind = of.kind;
  segment->table_var = of.table_var;
  segment->elem_type = of.elem_type;
  segment->elem_exprs.resize(of.elem_exprs.size());
  for (ExprList& list : segment->elem_exprs) set_null(list, of.elem_type);
  return segment;
}

template <class T>
std::vector<T*> stand_ins(const std::vector<T*>& whole, const std::set<Index>& named,
                          std::vector<std::unique_ptr<T>>& own) {
  std::vector<T*> items;
  own.clear();
  for (const Index index : named) {
    own.push_back(stand_in(*whole.at(index)));
    items.push_back(own.back().get());
  }
  return items;
}

}  // namespace

void CParts::exchange(View& view) {
  std::swap(module_.funcs, view.functions);
  std::swap(module_.imports, view.imports);
  std::swap(module_.globals, view.globals);
  std::swap(module_.data_segments, view.data);
  std::swap(module_.elem_segments, view.elements);
  std::swap(module_.num_func_imports, view.function_imports);
  std::swap(module_.func_bindings, view.function_names);
  std::swap(module_.global_bindings, view.global_names);
  std::swap(module_.data_segment_bindings, view.data_names);
  std::swap(module_.elem_segment_bindings, view.element_names);
}

void CParts::write_as(View& view, const std::function<void()>& write) {
  name_all(view.functions, view.function_names);
  name_all(view.globals, view.global_names);
  name_all(view.data, view.data_names);
  name_all(view.elements, view.element_names);
  exchange(view);
  write();
  exchange(view);
  stubs_.clear();
  imports_.clear();
}

wabt::Func* CParts::add_stub(const wabt::Func& of) {
  auto stub = std::make_unique<wabt::Func>(of.name);
  stub->decl = of.decl;
  for (Index i = 0; i < of.decl.GetNumParams(); ++i) {
    stub->bindings.emplace("$p" + std::to_string(i), wabt::Binding(i));
  }
  stubs_.push_back(std::move(stub));
  return stubs_.back().get();
}

CParts::View CParts::imports_only() const {
  View view;
  view.functions.assign(module_.funcs.begin(), module_.funcs.begin() + module_.num_func_imports);
  view.imports = module_.imports;
  view.function_imports = module_.num_func_imports;
  return view;
}

void CParts::show_named(const Named& named, View& view) {
  view.globals = stand_ins(module_.globals, named.globals, globals_);
  view.data = stand_ins(module_.data_segments, named.data, data_);
  view.elements = stand_ins(module_.elem_segments, named.elements, elements_);
}

bool CParts::with_base(std::vector<std::vector<std::uint8_t>>* segments,
                       const std::function<void()>& write) {
  for (wabt::DataSegment* segment : module_.data_segments) {
    segments->push_back(segment->data);
    segment->data.resize(std::min<std::size_t>(segment->data.size(), 1));
  }
  Named in_tables;
  Named in_globals;
  for (wabt::ElemSegment* segment : module_.elem_segments) {
    for (ExprList& list : segment->elem_exprs) {
      name_functions(module_, list);
      collect(module_, list, in_tables);
    }
  }
  for (wabt::Global* global : module_.globals) {
    name_functions(module_, global->init_expr);
    collect(module_, global->init_expr, in_globals);
  }
  View view = imports_only();
  view.globals = module_.globals;
  view.data = module_.data_segments;
  view.elements = module_.elem_segments;
  for (const Index index : in_tables.functions) {
    if (index < module_.num_func_imports || in_globals.functions.count(index) != 0) continue;
    const wabt::Func& of = *module_.funcs.at(index);
    auto import = std::make_unique<wabt::FuncImport>(of.name);
    import->func.decl = of.decl;
    import->module_name = import_module_;
    import->field_name = of.name.substr(1);  // Without its '$'.
    view.functions.push_back(&import->func);
    view.imports.push_back(import.get());
    imports_.push_back(std::move(import));
  }
  view.function_imports = static_cast<Index>(view.functions.size());
  for (const Index index : in_globals.functions) {
    if (index < module_.num_func_imports) continue;
    view.functions.push_back(add_stub(*module_.funcs.at(index)));
  }
  const bool has_imports = !view.imports.empty();
  write_as(view, write);
  for (std::size_t i = 0; i < segments->size(); ++i) {
    module_.data_segments[i]->data.resize((*segments)[i].size());  // The length is what counts.
  }
  return has_imports;
}

Index CParts::with_part(Index first, const std::function<void()>& write) {
  Named named;
  Index end = first;
  const auto count = static_cast<Index>(module_.funcs.size());
  while (end < count && named.functions.size() < kNamesPerPart) {
    named.functions.insert(end);
    collect(module_, module_.funcs[end++]->exprs, named);
  }
  View view = imports_only();
  for (const Index index : named.functions) {
    if (index < module_.num_func_imports) continue;
    const bool own = index >= first && index < end;
    view.functions.push_back(own ? module_.funcs[index] : add_stub(*module_.funcs.at(index)));
  }
  show_named(named, view);
  write_as(view, write);
  for (Index index = first; index < end; ++index) module_.funcs[index]->exprs.clear();
  return end;
}

}  // namespace weft::wabt_ir
