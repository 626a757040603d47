// SPDX-License-Identifier: Apache-2.0
// The data segments of a module, as C.
//
// libwabt writes an array of numbers for each segment and a statement that copies it. A Go program
// has tens of thousands of segments, and a C compiler takes minutes for so many statements. So they
// become one string, one table, and a loop for each run of statements.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weft {

class CData {
 public:
  using Segments = std::vector<std::vector<std::uint8_t>>;

  // The array of segment N is called `name` and N, and is for segments[N].
  CData(std::string_view name, Segments segments);

  // Takes the lines outside of the guest's functions, one by one. Appends to `to` what stays of a
  // line.
  void add(std::string_view line, std::string& to);

  // What declares the string and the table, to all units.
  [[nodiscard]] static const char* declarations();
  // What names each array to memory.init.
  [[nodiscard]] std::string names() const;
  // The string and the table.
  [[nodiscard]] std::string definitions() const;

 private:
  bool read_copy(std::string_view line, std::string& to);
  void end_run(std::string& to);

  const std::string_view name_;
  const Segments segments_;
  std::vector<std::size_t> begins_;  // Of segments 0, 1... in the string.
  std::string table_;
  std::size_t rows_ = 0;
  std::size_t run_ = 0;     // Rows that no statement copies yet.
  std::string run_memory_;  // Whose they are.
  bool in_array_ = false;
};

}  // namespace weft
