// SPDX-License-Identifier: Apache-2.0
// See guest/wabt/wabt_ir.h. One module at a time goes through: read, validate, fuel points, and
// then either the binary writer, or one NaN, names for C, and part by part (guest/wabt/c_parts.h)
// markers and the C writer.
#include "guest/wabt/wabt_ir.h"

#include <new>
#include <set>
#include <stdexcept>

#include "guest/wabt/c_parts.h"
#include "guest/wabt/c_support.h"
#include "guest/wabt/meter.h"
#include "guest/wabt/one_nan.h"
#include "guest/wabt/without_customs.h"

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
  const WithoutCustoms plain(binary.data, binary.bytes);
  const auto ok = wabt::ReadBinaryIr("", plain.data(), plain.bytes(), options, &errors, module);
  if (wabt::Succeeded(ok) &&
      wabt::Succeeded(wabt::ValidateModule(module, &errors, wabt::ValidateOptions(features)))) {
    return {};
  }
  // The front has proved it valid.
  if (errors.empty()) return "libwabt can't read the module";
  return "libwabt can't read the module: " + errors.front().message;
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

// --- naming ---

template <class Field>
void remove_fields(wabt::Module& module) {
  for (auto it = module.fields.begin(); it != module.fields.end();) {
    it = Field::classof(&*it) ? module.fields.erase(it) : ++it;
  }
}

// Names each function, the memory and the counter by its index only: reports take the names of the
// module's name section from guest/wasm/module_scan.h's copy.
void name_for_c(wabt::Module& module, bool fuel_points) {
  const std::size_t own_imports = module.num_func_imports - (fuel_points ? 1 : 0);
  module.func_bindings.clear();
  for (std::size_t i = 0; i < module.funcs.size(); ++i) {
    const bool defined = i >= module.num_func_imports;
    std::string name = "$i" + std::to_string(i);
    if (defined) name = "$f" + std::to_string(i - (fuel_points ? 1 : 0));
    module.funcs[i]->name = name;
    module.func_bindings.emplace(name, wabt::Binding(static_cast<wabt::Index>(i)));
  }
  for (std::size_t i = 0; i < module.imports.size(); ++i) {
    module.imports[i]->module_name = kImportsName;
    module.imports[i]->field_name = i < own_imports ? "i" + std::to_string(i) : kRefillName;
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

// Writes what the module has at the moment. Returns an error or "".
std::string write_module(const wabt::Module& module, std::string* source, std::string* header) {
  wabt::MemoryStream source_stream;
  wabt::MemoryStream header_stream;
  wabt::WriteCOptions options;
  options.module_name = kModuleName;
  if (wabt::Failed(call_writer(source_stream, header_stream, module, options))) {
    return "the module can't be written as C";
  }
  *source = text_of(source_stream);
  if (header != nullptr) *header = text_of(header_stream);
  return {};
}

std::string write_parts(wabt::Module& module, CBase base, std::uint32_t marker, CSink& sink) {
  std::string error;
  CParts parts(module, kImportsName);
  base.has_imports = parts.with_base(
      &base.segments, [&] { error = write_module(module, &base.source, &base.header); });
  if (!error.empty()) return error;
  if (error = sink.take(std::move(base)); !error.empty()) return error;
  const auto count = static_cast<wabt::Index>(module.funcs.size());
  for (wabt::Index first = module.num_func_imports; first < count;) {
    CPart part;
    part.first = first - module.num_func_imports;
    part.of = count - module.num_func_imports;
    part.marker = marker;
    first = parts.with_part(first, [&] {
      for (wabt::Func* func : module.funcs) mark(func->exprs, marker);
      error = write_module(module, &part.source, nullptr);
    });
    if (!error.empty()) return error;
    part.end = first - module.num_func_imports;
    if (error = sink.take(std::move(part)); !error.empty()) return error;
  }
  return {};
}

}  // namespace

const char* version() {
  return WABT_VERSION_STRING;
}

std::string add_fuel_points(const Binary& binary, std::vector<std::uint8_t>* out) {
  return guarded([&]() -> std::string {
    wabt::Module module;
    if (std::string error = read(binary, &module); !error.empty()) return error;
    meter::add_fuel_points(module);
    wabt::MemoryStream stream;
    const wabt::WriteBinaryOptions options(wabt::Features{}, true, false, false);
    if (wabt::Failed(wabt::WriteBinaryModule(&stream, &module, options))) {
      return "the module can't be written with fuel points in it";
    }
    *out = std::move(stream.output_buffer().data);
    return {};
  });
}

std::string write_c(const Binary& binary, const Passes& passes, CSink& sink) {
  return guarded([&]() -> std::string {
    wabt::Module module;
    if (std::string error = read(binary, &module); !error.empty()) return error;
    if (std::string lacking = unsupported_in_c(module, binary.bytes); !lacking.empty()) {
      return lacking;
    }
    CBase base;
    if (!module.starts.empty()) base.start_function = module.starts.front()->index();
    strip(module);
    const std::uint32_t marker = choose_marker(module);
    // First, as what it counts must be the module's own instructions.
    if (passes.fuel_points) meter::add_fuel_points(module);
    if (passes.one_nan) one_nan::make(module);
    give_segments_a_table(module);
    name_for_c(module, passes.fuel_points);
    if (wabt::Failed(wabt::GenerateNames(&module)) || wabt::Failed(wabt::ApplyNames(&module))) {
      return "the module's names can't be made";
    }
    return write_parts(module, std::move(base), marker, sink);
  });
}

}  // namespace weft::wabt_ir
