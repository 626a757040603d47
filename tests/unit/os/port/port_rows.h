// SPDX-License-Identifier: Apache-2.0
// The rows of the table test: name, kind, and a function that asserts the behaviour.
#pragma once

#include <string>
#include <vector>

namespace weft::test {

struct PortRow {
  const char* name;
  const char* kind;  // "type", "function" or "method": Go has two names twice.
  void (*check)();

  [[nodiscard]] std::string key() const { return std::string(name) + " " + kind; }
};

// In the order of docs/port.md: os_wasip1.go, then os_wasm.go; types, then functions.
std::vector<PortRow> port_rows();

// Its parts: port_rows_types.cpp, port_rows_wasip1.cpp, port_rows_wasm.cpp.
std::vector<PortRow> port_type_rows();
std::vector<PortRow> port_wasip1_rows();
std::vector<PortRow> port_wasm_rows();
std::vector<PortRow> port_signal_rows();

}  // namespace weft::test
