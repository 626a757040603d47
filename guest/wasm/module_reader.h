// SPDX-License-Identifier: Apache-2.0
// ModuleReader: the walk over a module's sections that fills a ModuleView. Only
// guest/wasm/module_reader.cpp and guest/wasm/segment_reader.cpp use it; what they promise is in
// guest/wasm/module_view.h.
#pragma once

#include <cstdint>
#include <string_view>

#include "guest/wasm/function_validator.h"
#include "guest/wasm/module_view.h"

namespace weft::wasm {

class ModuleReader {
 public:
  ModuleReader(std::span<const std::byte> bytes, const ReadOptions& options);

  // Throws Refused.
  ModuleView read();

 private:
  void read_header(ByteReader& in);
  void read_section(std::uint8_t id, ByteReader& in);
  void check_order(std::uint8_t id, std::uint32_t offset);
  void check_counts();

  // The sections, one function each; the segments' are in guest/wasm/segment_reader.cpp.
  void read_custom(ByteReader& in);
  void read_types(ByteReader& in);
  void read_imports(ByteReader& in);
  void read_functions(ByteReader& in);
  void read_tables(ByteReader& in);
  void read_memories(ByteReader& in);
  void read_tags(ByteReader& in);
  void read_globals(ByteReader& in);
  void read_exports(ByteReader& in);
  void read_start(ByteReader& in);
  void read_elements(ByteReader& in);
  void read_data_count(ByteReader& in);
  void read_code(ByteReader& in);
  void read_data(ByteReader& in);

  // Their parts.
  void read_form(ByteReader& in);
  void find_equal_types();
  std::span<const ValType> read_type_list(ByteReader& in, const char* what, std::uint32_t max);
  ValType read_val_type_used(ByteReader& in);
  std::string_view read_name(ByteReader& in);
  std::uint32_t read_type_index(ByteReader& in);
  Limits read_limits(ByteReader& in, bool of_memory);
  void read_table_type(ByteReader& in);
  void read_memory_type(ByteReader& in);
  void read_tag_type(ByteReader& in);
  GlobalType read_global_type(ByteReader& in);
  void read_import(ByteReader& in);
  void read_export(ByteReader& in);
  void check_export_names(std::uint32_t offset);
  void read_element(ByteReader& in);
  void read_element_items(ByteReader& in, bool expressions, Element& element);
  void read_segment(ByteReader& in);
  ConstExpr read_constant(ByteReader& in, ValType type);

  [[nodiscard]] std::size_t count_of(External kind) const;
  void use(Feature feature, std::uint32_t offset, std::string_view what);

  ReadOptions options_;
  ModuleView module_;
  FunctionValidator validator_;
  std::uint32_t functions_declared_ = 0;  // That the module defines.
  std::uint32_t types_used_ = 0;          // Of the pool.
  int last_section_ = 0;                  // Its place in the order.
};

}  // namespace weft::wasm
