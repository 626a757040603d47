// SPDX-License-Identifier: Apache-2.0
// Makes WebAssembly binaries of bytes, for tests: Binary().types({...}).functions({0}).code({...}).
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "guest/wasm/module_view.h"

namespace weft::test {

using Code = std::vector<int>;

inline Code leb(std::uint32_t value) {
  Code code;
  for (; value >= 0x80; value >>= 7U) code.push_back(static_cast<int>(value & 0x7fU) | 0x80);
  code.push_back(static_cast<int>(value));
  return code;
}

inline void append(Code& to, const Code& more) {
  to.insert(to.end(), more.begin(), more.end());
}

// Sections in the order of the calls; their contents are bytes as the specification writes them.
class Binary {
 public:
  Binary& section(int id, const Code& body) {
    append(bytes_, {id});
    append(bytes_, leb(static_cast<std::uint32_t>(body.size())));
    append(bytes_, body);
    return *this;
  }

  // One function of type 0, () -> (), unless `types` was called before.
  Binary& function(const Code& instructions, const Code& locals = {0}) {
    if (!has_types_) types({1, 0x60, 0, 0});
    section(3, {1, 0});
    for (const auto& [id, body] : between_) section(id, body);
    return code(instructions, locals);
  }
  Binary& types(const Code& body) {
    has_types_ = true;
    return section(1, body);
  }
  // What stands between the functions and their code, when function() writes both.
  Binary& with(int id, const Code& body) {
    between_.emplace_back(id, body);
    return *this;
  }
  // One body; `end` is added.
  Binary& code(const Code& instructions, const Code& locals = {0}) {
    Code body = locals;
    append(body, instructions);
    body.push_back(0x0b);
    Code all{1};
    append(all, leb(static_cast<std::uint32_t>(body.size())));
    append(all, body);
    return section(10, all);
  }

  [[nodiscard]] std::vector<std::byte> bytes() const {
    std::vector<std::byte> bytes;
    for (const int byte : bytes_) bytes.push_back(static_cast<std::byte>(byte));
    return bytes;
  }

  // Why it is refused; "" when it is valid.
  [[nodiscard]] std::string error(const wasm::ReadOptions& options = {}) const {
    const auto binary = bytes();
    const auto module = wasm::read_module(binary, options);
    return module ? "" : module.error().message;
  }

 private:
  Code bytes_{0, 'a', 's', 'm', 1, 0, 0, 0};
  std::vector<std::pair<int, Code>> between_;
  bool has_types_ = false;
};

inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace weft::test
