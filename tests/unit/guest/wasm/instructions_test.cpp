// SPDX-License-Identifier: Apache-2.0
// The table of instructions agrees with itself and with its tables of opcodes.
#include "guest/wasm/instructions.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace weft::wasm;

TEST_CASE("each instruction is found by its opcode, and no two have one opcode or one name") {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kOpCount; ++i) {
    const OpInfo& row = kOps[i];
    CAPTURE(std::string(row.name));
    const Op found =
        row.prefix == 0 ? op_of(static_cast<std::uint8_t>(row.code)) : op_of(row.prefix, row.code);
    CHECK(found == static_cast<Op>(i));
    CHECK(names.insert(row.name).second);
  }
  CHECK(kOpCount == 534);
}

TEST_CASE("the table is in the order of prefix and opcode") {
  for (std::size_t i = 1; i < kOpCount; ++i) {
    const auto key = [](const OpInfo& row) { return row.prefix * 0x10000 + row.code; };
    CAPTURE(std::string(kOps[i].name));
    CHECK((key(kOps[i - 1]) < key(kOps[i]) || kOps[i].prefix == 0));
  }
}

TEST_CASE("what reads or writes memory has a width and may trap") {
  for (const OpInfo& row : kOps) {
    const bool accesses =
        row.immediates == Immediates::memarg || row.immediates == Immediates::memarg_lane;
    CAPTURE(std::string(row.name));
    CHECK(accesses == (row.width != 0));
    if (accesses) CHECK(row.trap == Trap::may);
  }
}

TEST_CASE("opcodes of proposals that weft lacks are named, other unknown ones are not") {
  CHECK(missing_proposal(0xfb, 0) == "gc");
  CHECK(missing_proposal(0x14, 0) == "function-references");
  CHECK(missing_proposal(0xe0, 0) == "stack-switching");
  CHECK(missing_proposal(0xfc, 20) == "wide-arithmetic");
  CHECK(missing_proposal(0x27, 0).empty());
  CHECK(op_of(0x27) == kNoOp);
  CHECK(op_of(0xfd, 154) == kNoOp);
  CHECK(op_of(0xfd, 5'000) == kNoOp);
}
