// SPDX-License-Identifier: Apache-2.0
// See guest/wabt/wabt_ir.h. One module at a time goes through: read, validate, checks, and then
// either the binary writer, or one NaN, markers, names for C, and the C writer.
//
// libwabt's C writer aborts the process on what it does not know. So unsupported() looks for all
// that first, by a list of what it does know.
#include "guest/wabt/wabt_ir.h"

#include <new>
#include <set>
#include <stdexcept>

#include "guest/wabt/meter.h"
#include "guest/wabt/one_nan.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <wabt/apply-names.h>
#include <wabt/binary-reader-ir.h>
#include <wabt/binary-reader.h>
#include <wabt/binary-writer.h>
#include <wabt/c-writer.h>
#include <wabt/error.h>
#include <wabt/generate-names.h>
#include <wabt/stream.h>
#include <wabt/validator.h>
#pragma GCC diagnostic pop

namespace weft::wabt_ir {
namespace {

using wabt::Expr;
using wabt::ExprList;
using wabt::ExprType;

std::string read(const Binary& binary, wabt::Module* module) {
  wabt::Errors errors;
  const wabt::Features features;
  const wabt::ReadBinaryOptions options(features, nullptr, false, true, false);
  const auto ok = wabt::ReadBinaryIr("", binary.data, binary.bytes, options, &errors, module);
  if (wabt::Succeeded(ok) &&
      wabt::Succeeded(wabt::ValidateModule(module, &errors, wabt::ValidateOptions(features)))) {
    return {};
  }
  if (errors.empty()) return "the module is not valid";
  return "the module is not valid: " + errors.front().message;
}

std::string text_of(wabt::MemoryStream& stream) {
  const std::vector<std::uint8_t>& data = stream.output_buffer().data;
  return {data.begin(), data.end()};
}

// libwabt says that memory ran out by an exception of the library's.
template <class F>
std::string guarded(F&& f) try {
  return f();
} catch (const std::bad_alloc&) {
  return "there is not enough memory to translate the module";
} catch (const std::length_error&) {
  return "there is not enough memory to translate the module";
}

// --- what the C writer can't ---

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

// What the module needs and the C writer lacks, or "".
std::string unsupported(const wabt::Module& module, std::size_t bytes) {
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
    if (import->kind() != wabt::ExternalKind::Func) return "the module imports what is no function";
  }
  return {};
}

// --- naming ---

template <class Field>
void remove_fields(wabt::Module& module) {
  for (auto it = module.fields.begin(); it != module.fields.end();) {
    it = Field::classof(&*it) ? module.fields.erase(it) : ++it;
  }
}

// One name for each function, the memory and the counter that says nothing but its index: what is
// in the module's name section is reported from guest/wasm/module_scan.h's copy.
void name_for_c(wabt::Module& module, bool checks) {
  const std::size_t own_imports = module.num_func_imports - (checks ? 1 : 0);
  module.func_bindings.clear();
  for (std::size_t i = 0; i < module.funcs.size(); ++i) {
    const bool defined = i >= module.num_func_imports;
    std::string name = "$i" + std::to_string(i);
    if (defined) name = "$f" + std::to_string(i - (checks ? 1 : 0));
    module.funcs[i]->name = name;
    module.func_bindings.emplace(name, wabt::Binding(static_cast<wabt::Index>(i)));
  }
  for (std::size_t i = 0; i < module.imports.size(); ++i) {
    module.imports[i]->module_name = kImportsName;
    module.imports[i]->field_name = i < own_imports ? "i" + std::to_string(i) : kCheckName;
  }
  if (!module.memories.empty()) {
    module.memories.front()->name = "$mem";
    module.memory_bindings.clear();
    module.memory_bindings.emplace("$mem", wabt::Binding(0));
  }
}

// What the host does itself: exports are reached by index, the start function runs under weft's
// control.
void strip(wabt::Module& module) {
  remove_fields<wabt::ExportModuleField>(module);
  module.exports.clear();
  module.export_bindings.clear();
  remove_fields<wabt::StartModuleField>(module);
  module.starts.clear();
}

// libwabt gives every segment of elements the name of its table, also one that only declares what
// ref.func names, in a module without tables. Such a module gets a table of nothing.
void give_segments_a_table(wabt::Module& module) {
  if (module.elem_segments.empty() || !module.tables.empty()) return;
  auto field = std::make_unique<wabt::TableModuleField>();
  field->table.elem_limits = wabt::Limits(0, 0);
  field->table.elem_type = wabt::Type::FuncRef;
  module.AppendField(std::move(field));
}

// --- markers ---

bool may_trap(const Expr& expr) {
  switch (expr.type()) {
    case ExprType::Binary: {
      const wabt::Opcode op = static_cast<const wabt::BinaryExpr&>(expr).opcode;
      return op == wabt::Opcode::I32DivS || op == wabt::Opcode::I32DivU ||
             op == wabt::Opcode::I32RemS || op == wabt::Opcode::I32RemU ||
             op == wabt::Opcode::I64DivS || op == wabt::Opcode::I64DivU ||
             op == wabt::Opcode::I64RemS || op == wabt::Opcode::I64RemU;
    }
    case ExprType::Convert:
    case ExprType::Call:
    case ExprType::CallIndirect:
    case ExprType::Load:
    case ExprType::MemoryCopy:
    case ExprType::MemoryFill:
    case ExprType::MemoryInit:
    case ExprType::Store:
    case ExprType::TableCopy:
    case ExprType::TableFill:
    case ExprType::TableGet:
    case ExprType::TableInit:
    case ExprType::TableSet:
    case ExprType::Unreachable:
      return true;
    default:
      return false;
  }
}

void collect_high_words(const ExprList& list, std::set<std::uint32_t>& used) {
  for (const Expr& expr : list) {
    if (const auto* block = wabt::dyn_cast<wabt::BlockExpr>(&expr)) {
      collect_high_words(block->block.exprs, used);
    } else if (const auto* loop = wabt::dyn_cast<wabt::LoopExpr>(&expr)) {
      collect_high_words(loop->block.exprs, used);
    } else if (const auto* branch = wabt::dyn_cast<wabt::IfExpr>(&expr)) {
      collect_high_words(branch->true_.exprs, used);
      collect_high_words(branch->false_, used);
    } else if (const auto* constant = wabt::dyn_cast<wabt::ConstExpr>(&expr)) {
      if (constant->const_.type() != wabt::Type::I64) continue;
      used.insert(static_cast<std::uint32_t>(constant->const_.u64() >> 32));
    }
  }
}

// High words that no constant of the module has.
std::uint32_t choose_marker(const wabt::Module& module) {
  std::set<std::uint32_t> used;
  for (const wabt::Func* func : module.funcs) collect_high_words(func->exprs, used);
  std::uint32_t marker = 0x57e7'0ff5;
  while (used.count(marker) != 0) ++marker;
  return marker;
}

void mark(ExprList& list, std::uint64_t marker) {
  for (auto it = list.begin(); it != list.end(); ++it) {
    Expr& expr = *it;
    if (auto* block = wabt::dyn_cast<wabt::BlockExpr>(&expr)) mark(block->block.exprs, marker);
    if (auto* loop = wabt::dyn_cast<wabt::LoopExpr>(&expr)) mark(loop->block.exprs, marker);
    if (auto* branch = wabt::dyn_cast<wabt::IfExpr>(&expr)) {
      mark(branch->true_.exprs, marker);
      mark(branch->false_, marker);
    }
    if (!may_trap(expr) || expr.loc.offset == 0) continue;  // 0: of a pass, not of the module.
    const auto where = static_cast<std::uint32_t>(expr.loc.offset);
    list.insert(it, std::make_unique<wabt::ConstExpr>(wabt::Const::I64(marker << 32 | where)));
    list.insert(it, std::make_unique<wabt::DropExpr>());
  }
}

// The one call that differs between the generations of libwabt that weft is built with.
wabt::Result call_writer(wabt::Stream& source, wabt::Stream& header, const wabt::Module& module,
                         const wabt::WriteCOptions& options) {
#ifdef WEFT_WABT_STREAMS
  // Into one source, with what several would share.
  return wabt::WriteC({&source}, &header, &source, kHeaderName, "", &module, options);
#else
  return wabt::WriteC(&source, &header, kHeaderName, &module, options);
#endif
}

}  // namespace

const char* version() {
  return WABT_VERSION_STRING;
}

std::string add_checks(const Binary& binary, std::vector<std::uint8_t>* out) {
  return guarded([&]() -> std::string {
    wabt::Module module;
    if (std::string error = read(binary, &module); !error.empty()) return error;
    meter::add_checks(module);
    wabt::MemoryStream stream;
    const wabt::WriteBinaryOptions options(wabt::Features{}, true, false, false);
    if (wabt::Failed(wabt::WriteBinaryModule(&stream, &module, options))) {
      return "the module can't be written with checks in it";
    }
    *out = std::move(stream.output_buffer().data);
    return {};
  });
}

std::string write_c(const Binary& binary, const Passes& passes, CSource* out) {
  return guarded([&]() -> std::string {
    wabt::Module module;
    if (std::string error = read(binary, &module); !error.empty()) return error;
    if (std::string lacking = unsupported(module, binary.bytes); !lacking.empty()) return lacking;
    if (!module.starts.empty()) out->start_function = module.starts.front()->index();
    strip(module);
    out->marker = choose_marker(module);
    // First, as what it counts must be the module's own instructions.
    if (passes.checks) meter::add_checks(module);
    if (passes.one_nan) one_nan::make(module);
    for (wabt::Func* func : module.funcs) mark(func->exprs, out->marker);
    give_segments_a_table(module);
    name_for_c(module, passes.checks);
    if (wabt::Failed(wabt::GenerateNames(&module)) || wabt::Failed(wabt::ApplyNames(&module))) {
      return "the module's names can't be made";
    }
    wabt::MemoryStream source;
    wabt::MemoryStream header;
    wabt::WriteCOptions options;
    options.module_name = kModuleName;
    if (wabt::Failed(call_writer(source, header, module, options))) {
      return "the module can't be written as C";
    }
    out->source = text_of(source);
    out->header = text_of(header);
    return {};
  });
}

}  // namespace weft::wabt_ir
