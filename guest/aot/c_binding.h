// SPDX-License-Identifier: Apache-2.0
// The C that binds a module's C to weft: what its imports do, how its instances are made and
// called, and the table that the object gives away (guest/aot/aot_abi.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "guest/engine.h"
#include "guest/wabt/c_dialect.h"
#include "guest/wabt/wabt_ir.h"
#include "guest/wasm/module_scan.h"

namespace weft {

// Both must remain live while this is in use.
class CBinding {
 public:
  CBinding(const CDialect& dialect, const ModuleInfo& info) : dialect_(dialect), info_(info) {}

  // For the header that all units share, behind libwabt's helpers.
  [[nodiscard]] std::string declarations(bool fuel_points) const;
  // Between that of a unit which is not the guest's functions, and those.
  [[nodiscard]] std::string macros() const;
  // For the first unit, before what libwabt writes for it: what stands for imports in segments of
  // elements.
  [[nodiscard]] std::string element_functions() const;
  // A line of the first unit, with that in the place of the import, if it is an element.
  [[nodiscard]] std::string element(std::string_view line) const;
  // For the first unit, behind what libwabt writes for it.
  [[nodiscard]] std::string definitions(const wabt_ir::CBase& base, bool fuel_points,
                                        bool is_go) const;

 private:
  struct Import {
    std::string result;
    std::string params;
  };

  [[nodiscard]] Import import_of(std::size_t index) const;
  [[nodiscard]] std::string import(std::size_t index) const;
  [[nodiscard]] std::string function(std::int64_t index) const;
  [[nodiscard]] std::string function_pointer(std::int64_t index) const;
  [[nodiscard]] std::string import_function(std::size_t index) const;
  [[nodiscard]] std::string call_of_host(std::size_t index, const std::string& guest) const;
  [[nodiscard]] std::string call_with_values(std::uint32_t index) const;
  [[nodiscard]] std::string calls_of_exports() const;
  [[nodiscard]] std::string stack_pointer() const;
  [[nodiscard]] std::string places_of_functions() const;
  [[nodiscard]] std::string object(std::int64_t start, bool is_go) const;

  const CDialect& dialect_;
  const ModuleInfo& info_;
};

}  // namespace weft
