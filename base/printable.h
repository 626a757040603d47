// printable(): foreign text, safe to show on a terminal: control characters become \\xNN, and what
// is longer than a line of a report is cut.
#pragma once

#include <string>
#include <string_view>

namespace weft {

inline std::string printable(std::string_view text) {
  constexpr std::size_t kShownMax = 200;
  constexpr const char* kHex = "0123456789abcdef";
  std::string shown;
  for (const char c : text.substr(0, kShownMax)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      shown += c;
    } else {
      shown += "\\x";
      shown += kHex[byte >> 4U];
      shown += kHex[byte & 0xfU];
    }
  }
  if (text.size() > kShownMax) shown += "...";
  return shown;
}

}  // namespace weft
