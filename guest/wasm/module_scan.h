// SPDX-License-Identifier: Apache-2.0
// ModuleInfo: what weft keeps of a module when its binary is gone: imports and exports, for binding
// and calling; names, places of code and lines of source, for reports; the features that it uses,
// for engines that lack some.
//
// scan_module() is the front's door for the engines: the whole module is read and proved valid
// (guest/wasm/module_view.h) before an engine, or libwabt behind it, sees a byte of it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "guest/wasm/debug_lines.h"
#include "guest/wasm/module_view.h"

namespace weft {

inline constexpr std::uint32_t kTableElementsMax = 1'000'000;  // Of all tables, by default.
inline constexpr std::uint32_t kWasmPageBytes = wasm::kPageBytes;

enum class ExternalKind : std::uint8_t { func, table, memory, global, tag };

struct ImportInfo {
  std::string module;
  std::string name;
  ExternalKind kind;
  std::uint32_t type = 0;  // Of a func: its index in types.
};

struct ExportInfo {
  std::string name;
  ExternalKind kind;
  std::uint32_t index;
};

// The types of a function, one letter a value as in wasip1::Function::params: i I f F v, and r for
// references to functions, e for those to what is the host's, x to exceptions.
struct FuncTypeInfo {
  std::string params;
  std::string results;
};

struct ModuleInfo {
  std::vector<FuncTypeInfo> types;
  std::vector<ImportInfo> imports;
  std::vector<ExportInfo> exports;
  std::vector<std::uint32_t> function_types;  // Of the functions that the module defines.
  std::vector<std::string> function_names;    // By index, imports first; "" where there is no name.
  std::vector<std::uint32_t> code_offsets;    // In the file: where each of these has its code.
  // In the file: where instructions begin that may trap (guest/wasm/instructions.h), in order.
  std::vector<std::uint32_t> trap_offsets;
  SourceLines source_lines;        // Of the section .debug_line.
  std::uint32_t code_section = 0;  // In the file: from where their addresses count.
  wasm::Features features;
  std::uint32_t imported_functions = 0;
  std::uint32_t memory_pages_initial = 0;  // Of all memories together; UINT32_MAX: or more.
  std::uint32_t locals_of_one_function_max = 0;
  std::uint32_t table_elements_initial = 0;  // Of all tables together.
  std::uint32_t tables = 0;
  bool has_memory = false;

  // The name from the name section, else an export's, else "function N".
  [[nodiscard]] std::string describe_function(std::uint32_t index) const;
  [[nodiscard]] const ExportInfo* find_export(std::string_view name) const;
  // Where in the file a function has its code; 0 for an import.
  [[nodiscard]] std::uint32_t code_offset(std::uint32_t index) const;
  // The function whose code is around this offset, or UINT32_MAX.
  [[nodiscard]] std::uint32_t function_at(std::uint32_t offset) const;
  // Where the nth (from 1) instruction of a function is that may trap; 0 when there is none.
  [[nodiscard]] std::uint32_t trap_in_function(std::uint32_t index, std::size_t nth) const;
  // The source that an instruction comes from, as "divide.c:6"; "" when the module does not tell.
  // `step`: as SourceLines::at.
  [[nodiscard]] std::string source_line(std::uint32_t offset, const LinesStep& step = {}) const;
  // The type of a function by its index, imports first; nullptr when there is no such function.
  [[nodiscard]] const FuncTypeInfo* type_of_function(std::uint32_t index) const;
};

// Where, in a valid module's bytes, the last instruction before `offset` begins that may trap, in
// the function whose code is at `code`; 0 when there is none. `step` is called after each few
// thousand instructions.
std::uint32_t trap_before(std::span<const std::byte> binary, std::uint32_t code,
                          std::uint32_t offset, const LinesStep& step = {});

// Of a module whose sections were read; what is in its functions, scan_code() adds: trap_offsets,
// locals_of_one_function_max and the features that instructions use.
ModuleInfo keep_info(const wasm::ModuleView& module);
Status scan_code(wasm::ModuleView& module, ModuleInfo& info, const wasm::ValidationStep& step = {});

// Both, from the bytes. Fails with a message that completes "<file>: ...".
Result<ModuleInfo> scan_module(std::span<const std::byte> binary);

}  // namespace weft
