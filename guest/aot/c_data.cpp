// SPDX-License-Identifier: Apache-2.0
// See guest/aot/c_data.h. What libwabt writes is, with names by its generation,
//
//   static const u8 data_segment_data_w2c_d7[] = {
//     0x2d, 0x2b, ...
//   };
//   ...
//     LOAD_DATA(instance->w2c_mem, 1024u, data_segment_data_w2c_d7, 2400);
//
// with an expression in place of 1024u when it is no constant, and NULL in place of the array when
// the segment is empty.
#include "guest/aot/c_data.h"

#include <algorithm>
#include <charconv>

namespace weft {
namespace {

constexpr std::string_view kArray = "static const u8 ";
constexpr std::string_view kCopy = "  LOAD_DATA(";
constexpr std::size_t kNone = static_cast<std::size_t>(-1);
constexpr std::size_t kBytesPerLine = 64;

std::size_t number_in(std::string_view text) {
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// "1024u"
bool is_constant(std::string_view text) {
  return text.size() > 1 && text.back() == 'u' &&
         std::all_of(text.begin(), text.end() - 1, [](char c) { return c >= '0' && c <= '9'; });
}

// Of a string in C. Three digits always: a digit may follow.
void append_escaped(std::string& to, unsigned char byte) {
  if (byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\' && byte != '?') {
    to += static_cast<char>(byte);
    return;
  }
  const auto digit = [byte](int shift) { return static_cast<char>('0' + (byte >> shift & 7)); };
  to += {'\\', digit(6), digit(3), digit(0)};
}

}  // namespace

void CData::add(std::string_view line, std::string& to) {
  if (in_array_) {
    if (line.starts_with("}")) in_array_ = false;
    if (in_array_) read_numbers(line);
    return;
  }
  if (line.starts_with(kArray) && line.substr(kArray.size()).starts_with(name_)) {
    in_array_ = true;
    const std::size_t index = number_in(line.substr(kArray.size() + name_.size()));
    begins_.resize(std::max(begins_.size(), index + 1), kNone);
    begins_[index] = bytes_.size();
    return;
  }
  if (line.starts_with(kCopy) && read_copy(line, to)) return;
  end_run(to);
  to += line;
  to += '\n';
}

void CData::read_numbers(std::string_view line) {
  for (std::size_t at = 0; (at = line.find("0x", at)) != std::string_view::npos; at += 2) {
    unsigned value = 0;
    std::from_chars(line.data() + at + 2, line.data() + line.size(), value, 16);
    bytes_ += static_cast<char>(value);
  }
}

std::size_t CData::place_of(std::string_view name) const {
  if (!name.starts_with(name_)) return 0;  // NULL: nothing is copied.
  return begins_.at(number_in(name.substr(name_.size())));
}

// False when it is none of the form above.
bool CData::read_copy(std::string_view line, std::string& to) {
  const std::size_t at = line.find(", ");
  const std::size_t count = line.rfind(", ");
  const std::size_t name = line.rfind(", ", count - 1);
  if (at == std::string_view::npos || name == std::string_view::npos || name <= at) return false;
  const std::string memory(line.substr(kCopy.size(), at - kCopy.size()));
  const std::string_view where = line.substr(at + 2, name - at - 2);
  const std::string from = std::to_string(place_of(line.substr(name + 2, count - name - 2)));
  const std::string bytes = std::to_string(number_in(line.substr(count + 2)));
  if (!is_constant(where) || memory != run_memory_) end_run(to);
  if (is_constant(where)) {
    run_memory_ = memory;
    table_ += "{" + std::string(where) + "," + from + "u," + bytes + "u},\n";
    ++rows_;
    ++run_;
  } else {
    to += "  WEFT_SEGMENT(" + memory + ", " + std::string(where) + ", weft_data + " + from + ", " +
          bytes + ");\n";
  }
  return true;
}

void CData::end_run(std::string& to) {
  if (run_ == 0) return;
  to += "  WEFT_SEGMENTS(" + run_memory_ + ", " + std::to_string(rows_ - run_) + ", " +
        std::to_string(rows_) + ");\n";
  run_ = 0;
}

const char* CData::declarations() {
  return "extern HIDDEN const u8 weft_data[];\n"
         "struct weft_segment { u32 at, from, bytes; };\n"
         "extern HIDDEN const struct weft_segment weft_segments[];\n";
}

std::string CData::names() const {
  std::string text;
  for (std::size_t i = 0; i < begins_.size(); ++i) {
    if (begins_[i] == kNone) continue;
    text += "#define " + std::string(name_) + std::to_string(i) + " (weft_data + " +
            std::to_string(begins_[i]) + ")\n";
  }
  return text;
}

std::string CData::definitions() const {
  std::string text = "HIDDEN const u8 weft_data[] =";
  for (std::size_t at = 0; at == 0 || at < bytes_.size(); at += kBytesPerLine) {
    text += "\n\"";
    for (const char byte : std::string_view(bytes_).substr(at, kBytesPerLine)) {
      append_escaped(text, static_cast<unsigned char>(byte));
    }
    text += '"';
  }
  return text + ";\nHIDDEN const struct weft_segment weft_segments[] = {\n" + table_ + "{0}};\n";
}

}  // namespace weft
