// SPDX-License-Identifier: Apache-2.0
// What the validator accepts, refuses and tells a compiler; a claim for each kind of rule. That it
// agrees with the official tests is for tests/spec to show.
#include "guest/wasm/function_validator.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/unit/guest/wasm/binary.h"

using namespace weft;
using namespace weft::wasm;
using test::Binary;
using test::Code;
using test::has;

TEST_CASE("operands of another type are named, with the function and the byte") {
  CHECK(Binary().function({0x41, 1, 0x41, 2, 0x6a, 0x1a}).error().empty());
  CHECK(Binary().function({0x41, 1, 0x42, 2, 0x6a, 0x1a}).error() ==
        "i32.add: type mismatch, expected i32 and found i64 in function 0 at byte 27");
  CHECK(has(Binary().function({0x6a, 0x1a}).error(), "expected i32 and found an empty stack"));
  CHECK(has(Binary().function({0x41, 1}).error(), "1 more values on the stack"));
}

TEST_CASE("behind what never goes on, the stack gives any type") {
  CHECK(Binary().function({0x00, 0x6a, 0x1a}).error().empty());
  CHECK(Binary().function({0x0c, 0, 0x1b, 0x1a}).error().empty());
  CHECK(has(Binary().function({0x00, 0x42, 0, 0x6a, 0x1a}).error(), "found i64"));
}

TEST_CASE("call_indirect through a table of externref is refused") {
  const auto with_table = [](int type) {
    return Binary().with(4, {1, type, 0, 10}).function({0x41, 0, 0x11, 0, 0}).error();
  };
  CHECK(with_table(0x70).empty());
  CHECK(has(with_table(0x6f), "table 0 holds externref and no functions"));
}

TEST_CASE("data.drop with a data count and no data section is refused") {
  CHECK(Binary().with(12, {1}).function({0xfc, 9, 0}).error() ==
        "the module announces 1 data segments and has 0");
  CHECK(Binary().with(12, {1}).function({0xfc, 9, 0}).section(11, {1, 1, 0}).error().empty());
  CHECK(has(Binary().function({0xfc, 9, 0}).section(11, {1, 1, 0}).error(), "counts the data"));
}

TEST_CASE("a compiler sees operands, frames and types as they are behind each instruction") {
  const auto binary =
      Binary()
          .types({1, 0x60, 1, 0x7f, 1, 0x7e})
          .function({0x20, 0, 0x04, 0x7e, 0x42, 7, 0x05, 0x20, 1, 0x0b}, {1, 1, 0x7e})
          .bytes();
  const auto module = read_module(binary);
  REQUIRE(module.ok());
  FunctionValidator f(*module);
  Instruction in;
  f.begin(0);
  CHECK(f.locals() == 2);
  CHECK(f.local_type(1) == ValType::i64);
  std::string seen;
  while (f.next(in)) {
    seen += std::string(info(in.op).name) + ":" + std::to_string(f.operands().size()) + "/" +
            std::to_string(f.frames().size()) + " ";
  }
  CHECK(seen == "local.get:1/1 if:0/2 i64.const:1/2 else:0/2 local.get:1/2 end:1/1 end:1/0 ");
  CHECK(f.closed().op == Op::call);
}
