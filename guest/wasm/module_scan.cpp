// SPDX-License-Identifier: Apache-2.0
// The sections of a module, one function each; see guest/wasm/module_scan.h for what for.
#include "guest/wasm/module_scan.h"

#include <algorithm>
#include <cstring>

#include "guest/wasm/code_scan.h"
#include "guest/wasm/wasm_reader.h"
#include "os/wasip1/resolve.h"

namespace weft {
namespace {

// Which of the two descriptions of memory and table sizes: flags, then one or two numbers.
struct LimitsInfo {
  std::uint32_t initial;
  bool has_max;
};

LimitsInfo scan_limits(WasmReader& in) {
  const std::uint32_t flags = in.u32();
  if ((flags & 0x2) != 0) throw UnsupportedWasm{"threads"};
  if ((flags & 0x4) != 0) throw UnsupportedWasm{"memory64"};
  if (flags > 7) throw UnsupportedWasm{"custom-page-sizes"};
  const std::uint32_t initial = in.u32();
  if ((flags & 0x1) != 0) in.u32();
  return {initial, (flags & 0x1) != 0};
}

char value_type_letter(WasmReader& in) {
  switch (in.u8()) {
    case 0x7f:
      return 'i';
    case 0x7e:
      return 'I';
    case 0x7d:
      return 'f';
    case 0x7c:
      return 'F';
    case 0x7b:
      return 'v';
    case 0x70:
      return 'r';
    case 0x6f:
      return 'e';
    case 0x69:
      throw UnsupportedWasm{"exception-handling"};
    case 0x63:
    case 0x64:
      throw UnsupportedWasm{"function-references"};
    case 0x6a:
    case 0x6b:
    case 0x6c:
    case 0x6d:
    case 0x6e:
    case 0x71:
    case 0x72:
    case 0x73:
      throw UnsupportedWasm{"gc"};
    default:
      in.fail("an unknown type");
  }
}

std::string scan_types_of_func(WasmReader& in, const char* what) {
  const std::uint32_t n = in.count(what);
  if (n > kParamsMax) in.fail(std::string("more than 1000 ") + what);
  std::string letters;
  for (std::uint32_t i = 0; i < n; ++i) letters += value_type_letter(in);
  return letters;
}

void scan_types(WasmReader& in, ModuleInfo& info) {
  for (std::uint32_t n = in.count("types"); n > 0; --n) {
    const std::uint8_t form = in.u8();
    if (form == 0x4e || form == 0x4f || form == 0x50 || form == 0x5e || form == 0x5f) {
      throw UnsupportedWasm{"gc"};
    }
    if (form != 0x60) in.fail("an unknown form of type");
    FuncTypeInfo type;
    type.params = scan_types_of_func(in, "parameters");
    type.results = scan_types_of_func(in, "results");
    info.types.push_back(std::move(type));
  }
}

void scan_table_type(WasmReader& in, ModuleInfo& info) {
  if (in.peek() == 0x40) throw UnsupportedWasm{"function-references"};
  value_type_letter(in);
  if (++info.tables > kTablesMax) in.fail("more than 100 tables");
  const std::uint32_t initial = scan_limits(in).initial;
  if (initial > kTableElementsMax - info.table_elements_initial) {
    in.fail("tables of more than 1,000,000 elements");
  }
  info.table_elements_initial += initial;
}

void scan_memory_type(WasmReader& in, ModuleInfo& info) {
  if (info.has_memory) throw UnsupportedWasm{"multi-memory"};
  info.has_memory = true;
  info.memory_pages_initial = scan_limits(in).initial;
}

void scan_imports(WasmReader& in, ModuleInfo& info) {
  for (std::uint32_t n = in.count("imports"); n > 0; --n) {
    ImportInfo import;
    import.module = in.name();
    import.name = in.name();
    const std::uint8_t kind = in.u8();
    if (kind > static_cast<std::uint8_t>(ExternalKind::tag)) in.fail("an unknown kind of import");
    import.kind = static_cast<ExternalKind>(kind);
    switch (import.kind) {
      case ExternalKind::func:
        import.type = in.u32();
        ++info.imported_functions;
        break;
      case ExternalKind::table:
        scan_table_type(in, info);
        break;
      case ExternalKind::memory:
        scan_memory_type(in, info);
        break;
      case ExternalKind::global:
        value_type_letter(in);
        in.u8();
        break;
      case ExternalKind::tag:
        throw UnsupportedWasm{"exception-handling"};
    }
    info.imports.push_back(std::move(import));
  }
}

void scan_functions(WasmReader& in, ModuleInfo& info) {
  for (std::uint32_t n = in.count("functions"); n > 0; --n) info.function_types.push_back(in.u32());
}

void scan_globals(WasmReader& in) {
  for (std::uint32_t n = in.count("globals"); n > 0; --n) {
    value_type_letter(in);
    in.u8();
    scan_const_expr(in);
  }
}

void scan_exports(WasmReader& in, ModuleInfo& info) {
  for (std::uint32_t n = in.count("exports"); n > 0; --n) {
    ExportInfo item;
    item.name = in.name();
    const std::uint8_t kind = in.u8();
    if (kind > static_cast<std::uint8_t>(ExternalKind::tag)) in.fail("an unknown kind of export");
    item.kind = static_cast<ExternalKind>(kind);
    item.index = in.u32();
    info.exports.push_back(std::move(item));
  }
}

// The eight forms of an element segment: flags bit 0 passive or declared, bit 1 explicit table (or
// declared), bit 2 expressions instead of function indices.
void scan_elements(WasmReader& in) {
  for (std::uint32_t n = in.count("element segments"); n > 0; --n) {
    const std::uint32_t flags = in.u32();
    if (flags > 7) in.fail("an unknown form of element segment");
    const bool active = (flags & 1) == 0;
    const bool expressions = (flags & 4) != 0;
    if (active && (flags & 2) != 0) in.u32();
    if (active) scan_const_expr(in);
    if ((flags & 3) != 0) in.u8();  // Element kind or reference type.
    for (std::uint32_t items = in.count("elements"); items > 0; --items) {
      if (expressions) {
        scan_const_expr(in);
      } else {
        in.u32();
      }
    }
  }
}

void scan_data(WasmReader& in) {
  for (std::uint32_t n = in.count("data segments"); n > 0; --n) {
    const std::uint32_t flags = in.u32();
    if (flags > 2) in.fail("an unknown form of data segment");
    if (flags == 2 && in.u32() != 0) throw UnsupportedWasm{"multi-memory"};
    if (flags != 1) scan_const_expr(in);
    in.skip(in.count("bytes of data"));
  }
}

void scan_code(WasmReader& in, CodeScan code, ModuleInfo& info) {
  info.code_section = static_cast<std::uint32_t>(in.offset());
  for (std::uint32_t n = in.count("function bodies"); n > 0; --n) {
    WasmReader body = in.sub(in.u32());
    info.code_offsets.push_back(static_cast<std::uint32_t>(body.offset()));
    if (code == CodeScan::later) continue;
    std::uint64_t locals = 0;
    for (std::uint32_t groups = body.count("groups of locals"); groups > 0; --groups) {
      locals += body.u32();
      value_type_letter(body);
      if (locals > kLocalsMax) body.fail("a function with more than 50,000 locals");
    }
    info.locals_of_one_function_max =
        std::max(info.locals_of_one_function_max, static_cast<std::uint32_t>(locals));
    scan_instructions(body, &info.trap_offsets);
  }
}

// The name section is for people: what can't be read of it is left out, and never an error.
void scan_names(WasmReader in, ModuleInfo& info) try {
  constexpr std::uint8_t kFunctionNames = 1;
  const std::size_t functions = info.imported_functions + info.function_types.size();
  while (!in.at_end()) {
    const std::uint8_t kind = in.u8();
    WasmReader part = in.sub(in.u32());
    if (kind != kFunctionNames) continue;
    info.function_names.resize(functions);
    for (std::uint32_t n = part.count("names"); n > 0; --n) {
      const std::uint32_t index = part.u32();
      const std::string_view name = part.name();
      if (index < functions) info.function_names[index] = name;
    }
  }
} catch (const MalformedWasm&) {
  return;
}

// How many data segments follow, in a section of their own: `behind` is how many bytes do.
void scan_data_count(WasmReader& in, std::size_t behind) {
  if (in.u32() > behind) in.fail("more data segments announced than bytes");
}

void scan_section(std::uint8_t id, WasmReader& in, std::size_t behind, CodeScan code,
                  ModuleInfo& info) {
  switch (id) {
    case 0: {
      const std::string_view name = in.name();
      if (!wasip1::is_utf8(name)) in.fail("a custom section whose name is not UTF-8");
      if (name == "name") scan_names(in, info);
      if (name == ".debug_line" && code == CodeScan::now) {
        info.source_lines = SourceLines(in.bytes());
      }
      return;
    }
    case 1:
      return scan_types(in, info);
    case 2:
      return scan_imports(in, info);
    case 3:
      return scan_functions(in, info);
    case 4:
      for (std::uint32_t n = in.count("tables"); n > 0; --n) scan_table_type(in, info);
      return;
    case 5:
      for (std::uint32_t n = in.count("memories"); n > 0; --n) scan_memory_type(in, info);
      return;
    case 6:
      return scan_globals(in);
    case 7:
      return scan_exports(in, info);
    case 8:  // Start.
      in.u32();
      return;
    case 9:
      return scan_elements(in);
    case 10:
      return scan_code(in, code, info);
    case 11:
      return scan_data(in);
    case 12:
      return scan_data_count(in, behind);
    case 13:
      throw UnsupportedWasm{"exception-handling"};
    default:
      in.fail("an unknown section " + std::to_string(id));
  }
}

void scan_header(WasmReader& in, std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos &&
      (text.substr(first, 2) == "(m" || text.substr(first, 2) == ";;")) {
    throw MalformedWasm{"WebAssembly text; make it binary first (wat2wasm)"};
  }
  if (text.empty()) throw MalformedWasm{"the file is empty"};
  if (text.substr(0, 4) != std::string_view("\0asm", 4)) {
    throw MalformedWasm{"not a WebAssembly module (it does not start with \"\\0asm\")"};
  }
  in.skip(4);
  if (in.left() < 4) throw MalformedWasm{"the file ends within its header"};
  const std::uint32_t version = in.u8() | in.u8() << 8U;
  const std::uint32_t layer = in.u8() | in.u8() << 8U;
  if (layer == 1) {
    throw MalformedWasm{
        "a component of the WebAssembly component model; weft runs core modules for WASI preview 1 "
        "(target wasm32-wasip1)"};
  }
  if (version != 1 || layer != 0) {
    throw MalformedWasm{"WebAssembly version " + std::to_string(version) +
                        " is not supported, only 1 is"};
  }
}

}  // namespace

Result<ModuleInfo> scan_module(std::span<const std::byte> binary, CodeScan code) try {
  ModuleInfo info;
  WasmReader in(binary);
  scan_header(in, {reinterpret_cast<const char*>(binary.data()), binary.size()});
  while (!in.at_end()) {
    const std::uint8_t id = in.u8();
    WasmReader section = in.sub(in.u32());
    scan_section(id, section, in.left(), code, info);
  }
  return info;
} catch (const MalformedWasm& malformed) {
  return Error{malformed.what};
} catch (const UnsupportedWasm& unsupported) {
  return Error{"the module uses the WebAssembly proposal \"" + std::string(unsupported.proposal) +
               "\", which weft does not support"};
}

std::string ModuleInfo::describe_function(std::uint32_t index) const {
  if (index < function_names.size() && !function_names[index].empty()) return function_names[index];
  for (const ExportInfo& item : exports) {
    if (item.kind == ExternalKind::func && item.index == index) return item.name;
  }
  return "function " + std::to_string(index);
}

std::string ModuleInfo::source_line(std::uint32_t offset) const {
  if (code_section == 0 || offset < code_section) return {};
  return source_lines.at(offset - code_section);
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

std::uint32_t ModuleInfo::trap_before(std::uint32_t offset) const {
  const auto after = std::lower_bound(trap_offsets.begin(), trap_offsets.end(), offset);
  return after == trap_offsets.begin() ? 0 : *std::prev(after);
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
