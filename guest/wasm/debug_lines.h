// SPDX-License-Identifier: Apache-2.0
// The table of lines that compilers leave for debuggers: which address of code comes from which
// line of which file. DWARF, section .debug_line, versions 2 to 4 (section 6.2 of the standard).
//
// Two tables are read: that of a compiled module's object, where the "source" is the module
// (guest/aot/trap_site.h), and a module's own, where it is what its author wrote (SourceLines). The
// bytes of the second are foreign: what can't be read, or is of another version, is left out, and
// so are files that a line program defines itself (DW_LNE_define_file).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weft {

// What holds from an address up to the next row's. In a table that a compiler made, addresses rise
// within a sequence.
struct LineRow {
  std::uint64_t address;
  std::uint32_t line;     // 0: code that comes from no line.
  std::string_view file;  // As the compiler names it, mostly without a folder; in the section.
  bool end;               // The end of a sequence: nothing is known from here on.
};

// `row` is told of each, in the order of the section.
void read_debug_lines(std::span<const std::byte> section,
                      const std::function<void(const LineRow& row)>& row);

// Called now and then while lines are read and sorted, so that others can run; it must not throw.
using LinesStep = std::function<void()>;

// How many rows, or comparisons of rows, are between two of these steps.
inline constexpr std::uint32_t kRowsOfStep = 4'096;

// The lines of a WebAssembly module. They are read when they are first asked for, once.
class SourceLines {
 public:
  // A section that is larger has no lines.
  static constexpr std::size_t kSectionBytesMax = std::size_t{8} << 20;
  // What is beyond is left out: each takes memory.
  static constexpr std::size_t kRowsMax = std::size_t{2} << 20;

  SourceLines() = default;
  // Of the section's bytes.
  explicit SourceLines(std::span<const std::byte> section);

  // "divide.c:6", printable; "" when it is not known. address: from the start of the code section.
  // While one reads the lines, in whose steps others ask, those wait by steps of their own; without
  // a step they are told nothing.
  [[nodiscard]] std::string at(std::uint32_t address, const LinesStep& step = {}) const;
  // How much the next at() has to read first; 0: nothing, it looks the address up.
  [[nodiscard]] std::size_t bytes_not_read() const {
    return state_ == State::read ? 0 : section_.size();
  }

 private:
  struct Row {
    std::uint32_t address;
    std::uint32_t line;  // 0: none.
    std::uint32_t file;  // Where the name begins in the section.
    bool end;
  };
  enum class State : std::uint8_t { unread, reading, read };
  void read(const LinesStep& step) const;

  std::vector<std::byte> section_;
  mutable State state_ = State::unread;
  mutable std::vector<Row> rows_;  // By address.
};

}  // namespace weft
