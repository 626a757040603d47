// SPDX-License-Identifier: Apache-2.0
// From a ModuleView to what outlives the binary; see guest/wasm/module_scan.h.
#include "guest/wasm/module_scan.h"

#include <algorithm>

#include "guest/wasm/byte_reader.h"
#include "guest/wasm/decoder.h"

namespace weft {
namespace {

using wasm::ByteReader;
using wasm::External;
using wasm::ModuleView;

std::string letters(std::span<const wasm::ValType> types) {
  std::string text;
  for (const wasm::ValType type : types) text += wasm::letter(type);
  return text;
}

// A name of the section "name". Its bytes are as foreign as all else.
std::string_view read_name(ByteReader& in) {
  const std::uint32_t length = in.count("bytes in a name", wasm::kNameBytesMax);
  return {reinterpret_cast<const char*>(in.take(length)), length};
}

// The name section is for people: what can't be read of it is left out, and never an error.
void read_function_names(const ModuleView& module, ModuleInfo& info) try {
  constexpr std::uint8_t kFunctionNames = 1;
  const wasm::CustomSection* section = module.find_custom("name");
  if (section == nullptr) return;
  ByteReader in(section->bytes, section->offset);
  while (!in.at_end()) {
    const std::uint8_t kind = in.u8();
    ByteReader part = in.sub(in.u32());
    if (kind != kFunctionNames) continue;
    info.function_names.resize(module.functions());
    for (std::uint32_t n = part.count("names", wasm::kFunctionsMax); n > 0; --n) {
      const std::uint32_t index = part.u32();
      const std::string_view name = read_name(part);
      if (index < module.functions()) info.function_names[index] = name;
    }
  }
} catch (const wasm::Refused&) {
  return;
}

// The sum of the smallest sizes, UINT32_MAX when it is larger.
template <class Things>
std::uint32_t initial_size(const Things& things) {
  std::uint64_t sum = 0;
  for (const auto& thing : things) {
    sum += std::min<std::uint64_t>(thing.limits.min, UINT32_MAX);
  }
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(sum, UINT32_MAX));
}

void keep_imports(const ModuleView& module, ModuleInfo& info) {
  for (const wasm::Import& import : module.imports) {
    ImportInfo kept;
    kept.module = import.module;
    kept.name = import.name;
    kept.kind = static_cast<ExternalKind>(import.kind);
    if (import.kind == External::function) kept.type = module.function_types[import.index];
    info.imports.push_back(std::move(kept));
  }
}

}  // namespace

ModuleInfo keep_info(const ModuleView& module) {
  ModuleInfo info;
  for (const wasm::FuncType& type : module.types) {
    info.types.push_back({letters(type.params), letters(type.results)});
  }
  keep_imports(module, info);
  for (const wasm::Export& item : module.exports) {
    info.exports.push_back(
        {std::string(item.name), static_cast<ExternalKind>(item.kind), item.index});
  }
  info.imported_functions = module.imported_functions;
  info.function_types.assign(module.function_types.begin() + module.imported_functions,
                             module.function_types.end());
  for (const wasm::Body& body : module.bodies) info.code_offsets.push_back(body.offset);
  info.code_section = module.code_section;
  info.features = module.features;
  info.locals_of_one_function_max = module.locals_max;
  info.memory_pages_initial = initial_size(module.memories);
  info.table_elements_initial = initial_size(module.tables);
  info.tables = static_cast<std::uint32_t>(module.tables.size());
  info.has_memory = !module.memories.empty();
  if (const auto* lines = module.find_custom(".debug_line")) {
    info.source_lines = SourceLines(lines->bytes);
  }
  read_function_names(module, info);
  return info;
}

Status scan_code(ModuleView& module, ModuleInfo& info, const wasm::ValidationStep& step) {
  if (Status valid = wasm::validate_bodies(module, &info.trap_offsets, step); !valid) return valid;
  info.features = module.features;
  info.locals_of_one_function_max = module.locals_max;
  return Nothing{};
}

Result<ModuleInfo> scan_module(std::span<const std::byte> binary) {
  auto module = wasm::read_module(binary, {.bodies = wasm::Bodies::skip});
  if (!module) return module.error();
  ModuleInfo info = keep_info(*module);
  if (Status valid = scan_code(*module, info); !valid) return valid.error();
  return info;
}

std::string ModuleInfo::describe_function(std::uint32_t index) const {
  if (index < function_names.size() && !function_names[index].empty()) return function_names[index];
  for (const ExportInfo& item : exports) {
    if (item.kind == ExternalKind::func && item.index == index) return item.name;
  }
  return "function " + std::to_string(index);
}

std::string ModuleInfo::source_line(std::uint32_t offset, const LinesStep& step) const {
  if (code_section == 0 || offset < code_section) return {};
  return source_lines.at(offset - code_section, step);
}

const ExportInfo* ModuleInfo::find_export(std::string_view name) const {
  const auto it = std::find_if(exports.begin(), exports.end(),
                               [&](const ExportInfo& e) { return e.name == name; });
  return it == exports.end() ? nullptr : &*it;
}

std::uint32_t ModuleInfo::trap_in_function(std::uint32_t index, std::size_t nth) const {
  const std::uint32_t code = code_offset(index);
  if (code == 0 || nth == 0) return 0;
  const auto first = std::lower_bound(trap_offsets.begin(), trap_offsets.end(), code);
  const auto left = static_cast<std::size_t>(trap_offsets.end() - first);
  return nth <= left ? first[static_cast<std::ptrdiff_t>(nth) - 1] : 0;
}

std::uint32_t trap_before(std::span<const std::byte> binary, std::uint32_t code,
                          std::uint32_t offset, const LinesStep& step) try {
  constexpr std::uint32_t kInstructionsOfStep = 4'096;
  if (code == 0 || code > offset || offset > binary.size()) return 0;
  wasm::ByteReader in(binary.subspan(code), code);
  for (std::uint32_t groups = in.u32(); groups > 0; --groups) {
    (void)in.u32();
    (void)wasm::read_val_type(in);
  }
  std::uint32_t found = 0;
  wasm::Instruction instruction;
  for (std::uint32_t decoded = 1; in.offset() < offset; ++decoded) {
    wasm::decode(in, instruction);
    if (wasm::info(instruction.op).trap == wasm::Trap::may) found = instruction.offset;
    if (step && decoded % kInstructionsOfStep == 0) step();
  }
  return found;
} catch (const wasm::Refused&) {
  return 0;
}

std::uint32_t ModuleInfo::code_offset(std::uint32_t index) const {
  if (index < imported_functions) return 0;
  const std::uint32_t defined = index - imported_functions;
  return defined < code_offsets.size() ? code_offsets[defined] : 0;
}

std::uint32_t ModuleInfo::function_at(std::uint32_t offset) const {
  const auto after = std::upper_bound(code_offsets.begin(), code_offsets.end(), offset);
  if (after == code_offsets.begin()) return UINT32_MAX;
  return imported_functions + static_cast<std::uint32_t>(after - code_offsets.begin() - 1);
}

const FuncTypeInfo* ModuleInfo::type_of_function(std::uint32_t index) const {
  std::uint32_t type = UINT32_MAX;
  if (index >= imported_functions) {
    const std::uint32_t defined = index - imported_functions;
    if (defined < function_types.size()) type = function_types[defined];
  } else {
    for (const ImportInfo& import : imports) {
      if (import.kind != ExternalKind::func) continue;
      if (index-- == 0) type = import.type;
    }
  }
  return type < types.size() ? &types[type] : nullptr;
}

}  // namespace weft
