// SPDX-License-Identifier: Apache-2.0
// What types, kinds and views say of themselves.
#include "guest/wasm/module_view.h"

#include <algorithm>

namespace weft::wasm {

std::string_view name(External kind) {
  constexpr std::string_view kNames[] = {"function", "table", "memory", "global", "tag"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string describe(const FuncType& type) {
  std::string text;
  const auto list = [&](std::span<const ValType> types) {
    text += '(';
    for (std::size_t i = 0; i < types.size(); ++i) {
      if (i != 0) text += ' ';
      text += name(types[i]);
    }
    text += ')';
  };
  list(type.params);
  text += " -> ";
  list(type.results);
  return text;
}

const CustomSection* ModuleView::find_custom(std::string_view wanted) const {
  const auto it = std::find_if(custom.begin(), custom.end(),
                               [&](const CustomSection& s) { return s.name == wanted; });
  return it == custom.end() ? nullptr : &*it;
}

}  // namespace weft::wasm
