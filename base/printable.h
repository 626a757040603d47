// SPDX-License-Identifier: Apache-2.0
// Foreign text, made safe for its destination:
//
//   printable        one line of a terminal: control characters become \xNN, and what is longer
//                    than a line of a report is cut
//   printable_lines  several lines, whole
//   as_utf8          a file that must be UTF-8, as JSON and XML: invalid bytes become U+FFFD
#pragma once

#include <string>
#include <string_view>

namespace weft {

inline std::string escape_controls(std::string_view text, bool keeps_lines) {
  constexpr const char* kHex = "0123456789abcdef";
  std::string shown;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte >= 0x20 && byte != 0x7f) || (keeps_lines && (c == '\n' || c == '\t'))) {
      shown += c;
    } else {
      shown += "\\x";
      shown += kHex[byte >> 4U];
      shown += kHex[byte & 0xfU];
    }
  }
  return shown;
}

inline std::string printable(std::string_view text) {
  constexpr std::size_t kShownMax = 200;
  return escape_controls(text.substr(0, kShownMax), false) + (text.size() > kShownMax ? "..." : "");
}

inline std::string printable_lines(std::string_view text) {
  return escape_controls(text, true);
}

// How many bytes the character at the start of the text has; 0: it is no UTF-8. Not empty.
inline std::size_t utf8_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first < 0xc2   ? 0
                             : first < 0xe0 ? 2
                             : first < 0xf0 ? 3
                             : first < 0xf5 ? 4
                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return 0;
  }
  // An overlong form, half of a surrogate pair, or beyond the last character.
  const unsigned second = byte(1);
  const bool wrong = (first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) ||
                     (first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90);
  return wrong ? 0 : length;
}

inline std::string as_utf8(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    valid += length == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return valid;
}

}  // namespace weft
