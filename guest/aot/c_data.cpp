// SPDX-License-Identifier: Apache-2.0
// See guest/aot/c_data.h. What libwabt writes is, with names by its generation,
//
//   static const u8 data_segment_data_w2c_d7[] = {
//     0x00,
//   };
//   ...
//     LOAD_DATA(instance->w2c_mem, 1024u, data_segment_data_w2c_d7, 1);
//
// with an expression in place of 1024u when it is no constant, and NULL in place of the array when
// the segment is empty. The array is left out, and its length is the segment's
// (guest/wabt/wabt_ir.h).
#include "guest/aot/c_data.h"

#include <algorithm>
#include <charconv>

namespace weft {
namespace {

constexpr std::string_view kArray = "static const u8 ";
constexpr std::string_view kCopy = "  LOAD_DATA(";
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

CData::CData(std::string_view name, Segments segments)
    : name_(name), segments_(std::move(segments)) {
  std::size_t begin = 0;
  for (const std::vector<std::uint8_t>& segment : segments_) {
    begins_.push_back(begin);
    begin += segment.size();
  }
}

void CData::add(std::string_view line, std::string& to) {
  if (in_array_) {
    in_array_ = !line.starts_with("}");
    return;
  }
  if (line.starts_with(kArray) && line.substr(kArray.size()).starts_with(name_)) {
    in_array_ = true;
    return;
  }
  if (line.starts_with(kCopy) && read_copy(line, to)) return;
  end_run(to);
  to += line;
  to += '\n';
}

// False when the statement does not have the form above.
bool CData::read_copy(std::string_view line, std::string& to) {
  const std::size_t at = line.find(", ");
  const std::size_t count = line.rfind(", ");
  const std::size_t name = line.rfind(", ", count - 1);
  if (at == std::string_view::npos || name == std::string_view::npos || name <= at) return false;
  const std::string memory(line.substr(kCopy.size(), at - kCopy.size()));
  const std::string_view where = line.substr(at + 2, name - at - 2);
  const std::string_view array = line.substr(name + 2, count - name - 2);
  std::string from = "0";
  std::string bytes = "0";
  if (array.starts_with(name_)) {  // Not NULL.
    const std::size_t index = number_in(array.substr(name_.size()));
    from = std::to_string(begins_.at(index));
    bytes = std::to_string(segments_.at(index).size());
  }
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
    if (segments_[i].empty()) continue;
    text += "#define " + std::string(name_) + std::to_string(i) + " (weft_data + " +
            std::to_string(begins_[i]) + ")\n";
  }
  return text;
}

std::string CData::definitions() const {
  std::string text = "HIDDEN const u8 weft_data[] =\n\"";
  std::size_t in_line = 0;
  for (const std::vector<std::uint8_t>& segment : segments_) {
    for (const std::uint8_t byte : segment) {
      if (in_line++ == kBytesPerLine) {
        text += "\"\n\"";
        in_line = 1;
      }
      append_escaped(text, byte);
    }
  }
  return text + "\";\nHIDDEN const struct weft_segment weft_segments[] = {\n" + table_ + "{0}};\n";
}

}  // namespace weft
