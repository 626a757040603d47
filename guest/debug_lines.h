// The table of lines that compilers leave for debuggers: which address of code comes from which
// line of which file. DWARF, section .debug_line, versions 2 to 4 (section 6.2 of the standard).
//
// Two tables are read: that of a compiled module's object, where the "source" is the module
// (guest/trap_site.h), and a module's own, where it is what its author wrote
// (ModuleInfo::source_line). The bytes of the second are foreign: what can't be read is left out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace weft {

// What holds from an address up to the next row's.
struct LineRow {
  std::uint64_t address;
  std::uint32_t line;     // 0: code that comes from no line.
  std::string_view file;  // As the compiler names it, without a folder; lies in the section.
  bool end;               // The end of a sequence: nothing is known from here on.
};

// `row` is told of each, in the order of the section. Addresses rise within a sequence.
void read_debug_lines(std::span<const std::byte> section,
                      const std::function<void(const LineRow& row)>& row);

}  // namespace weft
