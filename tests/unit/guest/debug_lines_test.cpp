// SPDX-License-Identifier: Apache-2.0
// Lines of source: of a real module, and of tables that were made to be strange.
#include "guest/wasm/debug_lines.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "guest/wasm/module_scan.h"
#include "tests/unit/guest/guests.h"

using namespace weft;

namespace {

using Bytes = std::vector<std::byte>;

constexpr int kCopy = 1;
constexpr int kAdvanceLine = 3;
constexpr int kSetFile = 4;
constexpr int kNegate = 6;

// The operations of DWARF's line programs, of a table with the files "a.c" and "b.c".
struct Program {
  int version = 4;
  int step_bytes = 1;
  Bytes code;

  Program& op(std::initializer_list<int> bytes) {
    for (const int byte : bytes) code.push_back(static_cast<std::byte>(byte));
    return *this;
  }
  Program& set_address(std::uint32_t address) {
    op({0, 5, 2});
    for (int i = 0; i < 4; ++i) op({static_cast<int>(address >> (8 * i) & 0xff)});
    return *this;
  }
  // Moves on by so many steps and lines, and makes a row. advance: 0 to 11, lines: 0 to 13.
  Program& row(int advance, int lines) { return op({13 + advance * 14 + lines}); }
  Program& end(int advance) { return op({2, advance, 0, 1, 1}); }

  [[nodiscard]] Bytes section() const {
    Program header;
    header.op({step_bytes});
    if (version >= 4) header.op({1});
    header.op({1, 0, 14, 13});                        // Line base 0, range 14, opcode base 13.
    header.op({0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1});  // Operands of the standard ones.
    header.op({0, 'a', '.', 'c', 0, 0, 0, 0, 'b', '.', 'c', 0, 0, 0, 0, 0});  // No folders.
    Program unit;
    unit.op({version, 0, static_cast<int>(header.code.size()), 0, 0, 0});
    unit.code.insert(unit.code.end(), header.code.begin(), header.code.end());
    unit.code.insert(unit.code.end(), code.begin(), code.end());
    const auto size = unit.code.size();
    Program whole;
    whole.op({static_cast<int>(size & 0xff), static_cast<int>(size >> 8), 0, 0});
    whole.code.insert(whole.code.end(), unit.code.begin(), unit.code.end());
    return whole.code;
  }
  [[nodiscard]] std::string at(std::uint32_t address) const {
    return SourceLines(section()).at(address);
  }
};

}  // namespace

TEST_CASE("an instruction's line of source is told, and nothing outside of the code's lines") {
  auto info = scan_module(test::guest_bytes("c_trap_div"));
  REQUIRE(info.ok());
  std::set<std::string> lines;
  for (std::uint32_t at = 0; at < 4096; ++at) {
    lines.insert(info->source_line(info->code_section + at));
  }
  CHECK(lines.contains("trap_div.c:7"));  // return a / b;
  CHECK(lines.contains(""));
  CHECK(info->source_line(0).empty());
  CHECK(info->source_line(UINT32_MAX).empty());
}

TEST_CASE("a row holds up to the next, a sequence to its end, in each version of DWARF") {
  for (const int version : {2, 3, 4}) {
    CAPTURE(version);
    Program program;
    program.version = version;
    program.set_address(100).row(0, 4).row(10, 2).op({kSetFile, 2}).row(5, 0).end(8);
    CHECK(program.at(99).empty());
    CHECK(program.at(100) == "a.c:5");
    CHECK(program.at(109) == "a.c:5");
    CHECK(program.at(110) == "a.c:7");
    CHECK(program.at(115) == "b.c:7");
    CHECK(program.at(122) == "b.c:7");
    CHECK(program.at(123).empty());
    program.step_bytes = 4;
    CHECK(program.at(139) == "a.c:5");
    CHECK(program.at(140) == "a.c:7");
  }
  Program newer;
  newer.version = 5;
  newer.set_address(100).row(0, 4).end(8);
  CHECK(newer.at(100).empty());
}

TEST_CASE("functions that the linker dropped have no lines, wherever it left them") {
  for (const std::uint32_t nowhere : {0U, UINT32_MAX, UINT32_MAX - 1}) {
    Program program;
    program.set_address(nowhere).row(0, 1).row(9, 1).end(9);
    program.set_address(5).row(0, 9).end(9);
    CHECK(program.at(3).empty());
    CHECK(program.at(5) == "a.c:10");
    CHECK(program.at(UINT32_MAX).empty());
  }
}

TEST_CASE("a function that begins where another ends has its lines, in whatever order they come") {
  Program program;
  program.set_address(50).row(0, 9).end(10);
  program.set_address(40).row(0, 1).end(10);
  CHECK(program.at(49) == "a.c:2");
  CHECK(program.at(50) == "a.c:10");
}

TEST_CASE("files that are not in the table and lines beyond all numbers are no lines") {
  Program program;
  program.set_address(10).op({kSetFile, 3}).row(0, 3).op({kSetFile, 0}).row(1, 0);
  program.op({kSetFile, 1}).row(1, 0).end(3);
  CHECK(program.at(10).empty());
  CHECK(program.at(11).empty());
  CHECK(program.at(12) == "a.c:4");
  // Twice the largest signed number of 64 bits: once an overflow.
  Program far;
  far.set_address(10).row(0, 0);
  for (int i = 0; i < 2; ++i) {
    far.op({kAdvanceLine, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00});
  }
  far.op({kCopy, kNegate}).end(4);
  CHECK(far.at(10).empty());
}

TEST_CASE("a long name of a file does not hide the line") {
  Program program;
  program.set_address(10).row(0, 6).end(3);
  Bytes section = program.section();
  const Bytes name(300, std::byte{'x'});
  const Bytes old_name = {std::byte{'a'}, std::byte{'.'}, std::byte{'c'}};
  section.insert(std::search(section.begin(), section.end(), old_name.begin(), old_name.end()),
                 name.begin(), name.end());
  // Both lengths grow with it.
  for (const std::size_t length : {std::size_t{0}, std::size_t{6}}) {
    const std::size_t old = std::to_integer<std::size_t>(section[length]) +
                            (std::to_integer<std::size_t>(section[length + 1]) << 8U);
    section[length] = static_cast<std::byte>((old + name.size()) & 0xff);
    section[length + 1] = static_cast<std::byte>((old + name.size()) >> 8);
  }
  CHECK(SourceLines(section).at(10) == std::string(100, 'x') + ":7");
}

TEST_CASE("a section that would take long to read has no lines") {
  Program program;
  program.set_address(10).row(0, 6).end(3);
  Bytes section = program.section();
  section.resize(SourceLines::kSectionBytesMax);
  CHECK(SourceLines(section).at(10) == "a.c:7");
  section.resize(section.size() + 1);
  CHECK(SourceLines(section).at(10).empty());
}

TEST_CASE("a damaged table of lines is no harm") {
  Program program;
  program.set_address(100).row(0, 4).op({kAdvanceLine, 0x7e}).op({kSetFile, 2}).row(9, 3).end(20);
  const Bytes whole = program.section();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      Bytes damaged = whole;
      damaged[at] = static_cast<std::byte>(value);
      CHECK(SourceLines(damaged).at(105).size() < 200);
    }
    CHECK(SourceLines(std::span(whole).first(at)).at(105).size() < 200);
  }
}
