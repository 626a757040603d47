// SPDX-License-Identifier: Apache-2.0
// What the validator accepts, refuses and tells a compiler; a claim for each kind of rule. That it
// agrees with the official tests is for tests/spec to show.
#include "guest/wasm/function_validator.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "guest/command.h"
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

TEST_CASE("behind an instruction that never goes on, the stack gives any type") {
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

TEST_CASE("a clause of try_table catches what its label takes, counted from outside") {
  const auto with_clause = [](const Code& clause, int result) {
    Code code{0x02, result, 0x1f, 0x40, 1};  // block (result), try_table with one clause
    test::append(code, clause);
    test::append(code, {0x0b, 0x00, 0x0b});  // end, unreachable, end
    if (result != 0x40) code.push_back(0x1a);
    return Binary()
        .types({2, 0x60, 0, 0, 0x60, 1, 0x7f, 0})
        .with(13, {1, 0, 1})
        .function(code)
        .error();
  };
  CHECK(with_clause({0, 0, 0}, 0x7f).empty());  // catch: the tag's i32
  CHECK(with_clause({2, 0}, 0x40).empty());     // catch_all: nothing
  CHECK(with_clause({3, 0}, 0x69).empty());     // catch_all_ref: exnref
  CHECK(has(with_clause({0, 0, 0}, 0x7e), "catches other types"));
  CHECK(has(with_clause({1, 0, 0}, 0x7f), "catches other types"));
  CHECK(has(with_clause({2, 0}, 0x69), "catches other types"));
  CHECK(has(with_clause({0, 7, 0}, 0x7f), "no tag 7"));
  CHECK(has(with_clause({2, 9}, 0x40), "no label 9"));
  CHECK(has(with_clause({4, 0}, 0x40), "unknown clause"));
  CHECK(Binary().function({0xd0, 0x69, 0x0a}).error().empty());
  CHECK(has(Binary().function({0xd0, 0x70, 0x0a}).error(), "expected exnref and found funcref"));
}

TEST_CASE("the older form of exceptions: rethrow needs a catch, delegate a try without one") {
  const auto error = [](const Code& code) {
    return Binary().with(13, {1, 0, 0}).function(code).error();
  };
  CHECK(error({0x06, 0x40, 0x07, 0, 0x09, 0, 0x0b}).empty());
  CHECK(error({0x06, 0x40, 0x19, 0x09, 0, 0x0b}).empty());
  CHECK(error({0x06, 0x40, 0x18, 0}).empty());
  CHECK(has(error({0x06, 0x40, 0x09, 0, 0x0b}), "its label is no catch"));
  CHECK(has(error({0x06, 0x40, 0x19, 0x18, 0}), "behind a catch"));
  CHECK(has(error({0x06, 0x40, 0x19, 0x07, 0, 0x0b}), "behind a catch_all"));
  CHECK(has(error({0x02, 0x40, 0x19, 0x0b}), "stands in no try"));
}

TEST_CASE("a call in tail position returns what its caller does") {
  const auto error = [](int callee) {
    return Binary()
        .types({2, 0x60, 0, 1, 0x7f, 0x60, 0, 1, 0x7e})
        .section(2, {1, 1, 'm', 1, 'f', 0, callee})
        .section(3, {1, 0})
        .code({0x12, 0})
        .error();
  };
  CHECK(error(0).empty());
  CHECK(has(error(1), "returns other types"));
}

TEST_CASE("addresses have the type of the memory or table that an instruction names") {
  const auto error = [](const Code& code) {  // Memory 0 is of 32 bits, memory 1 of 64.
    return Binary().with(5, {2, 0, 1, 4, 1}).function(code).error();
  };
  CHECK(error({0x41, 0, 0x28, 2, 0, 0x1a}).empty());
  CHECK(error({0x42, 0, 0x28, 0x42, 1, 0, 0x1a}).empty());
  CHECK(has(error({0x41, 0, 0x28, 0x42, 1, 0, 0x1a}), "expected i64 and found i32"));
  CHECK(has(error({0x41, 0, 0x28, 0x42, 2, 0, 0x1a}), "no memory 2"));
  CHECK(has(error({0x41, 0, 0x28, 3, 0, 0x1a}), "alignment larger"));
  // A copy between both counts in 32 bits.
  CHECK(error({0x42, 0, 0x41, 0, 0x41, 0, 0xfc, 10, 1, 0}).empty());
  CHECK(has(error({0x42, 0, 0x41, 0, 0x42, 0, 0xfc, 10, 1, 0}), "expected i32 and found i64"));
  // An offset of 33 bits only where addresses have 64.
  CHECK(error({0x42, 0, 0x28, 0x42, 1, 0x80, 0x80, 0x80, 0x80, 0x10, 0x1a}).empty());
  CHECK(has(error({0x41, 0, 0x28, 2, 0x80, 0x80, 0x80, 0x80, 0x10, 0x1a}), "more than 32 bits"));
}

TEST_CASE("lanes are those of the shape; a shuffle picks from two vectors") {
  CHECK(Binary().function({0x00, 0xfd, 21, 15, 0x1a}).error().empty());
  CHECK(has(Binary().function({0x00, 0xfd, 21, 16, 0x1a}).error(), "no lane 16, only 16"));
  CHECK(has(Binary().function({0x00, 0xfd, 29, 2, 0x1a}).error(), "no lane 2, only 2"));
  Code shuffle{0x00, 0xfd, 13};
  for (int i = 0; i < 16; ++i) shuffle.push_back(16 + i);
  shuffle.push_back(0x1a);
  CHECK(Binary().function(shuffle).error().empty());
  shuffle[3] = 32;
  CHECK(has(Binary().function(shuffle).error(), "no lane 32"));
}

TEST_CASE("constant expressions add, subtract, multiply and read globals that can't change") {
  const auto globals = [](const Code& body) { return Binary().section(6, body).error(); };
  CHECK(globals({1, 0x7f, 0, 0x41, 1, 0x41, 2, 0x6c, 0x0b}).empty());
  CHECK(globals({2, 0x7f, 0, 0x41, 1, 0x0b, 0x7f, 0, 0x23, 0, 0x0b}).empty());
  CHECK(has(globals({2, 0x7f, 1, 0x41, 1, 0x0b, 0x7f, 0, 0x23, 0, 0x0b}), "mutable global"));
  CHECK(has(globals({1, 0x7f, 0, 0x23, 0, 0x0b}), "no global 0"));
  CHECK(has(globals({1, 0x7f, 0, 0x41, 1, 0x41, 2, 0x6d, 0x0b}), "constant expression"));
  CHECK(has(globals({1, 0x7f, 0, 0x42, 1, 0x0b}), "expected i32 and found i64"));
}

TEST_CASE("a function that code refers to has to be named outside of it") {
  CHECK(has(Binary().function({0xd2, 0, 0x1a}).error(), "undeclared function reference"));
  CHECK(Binary().with(7, {1, 1, 'f', 0, 0}).function({0xd2, 0, 0x1a}).error().empty());
  CHECK(Binary().with(9, {1, 3, 0, 1, 0}).function({0xd2, 0, 0x1a}).error().empty());
}

TEST_CASE("blocks nested 300,000 deep, a br_table of a million, 50,000 locals take linear time") {
  Code deep;
  for (int i = 0; i < 300'000; ++i) test::append(deep, {0x02, 0x40});
  for (int i = 0; i < 300'000; ++i) deep.push_back(0x0b);
  CHECK(Binary().function(deep).error().empty());
  Code wide{0x41, 0, 0x0e};
  test::append(wide, test::leb(1'000'000));
  for (int i = 0; i <= 1'000'000; ++i) wide.push_back(0);
  CHECK(Binary().function(wide).error().empty());

  constexpr int kFunctions = 20'000;
  Code types(test::leb(kFunctions));
  for (int i = 0; i < kFunctions; ++i) types.push_back(0);
  Code bodies(test::leb(kFunctions));
  for (int i = 0; i < kFunctions; ++i) {
    test::append(bodies, {9, 1, 0xd0, 0x86, 3, 0x7e, 0x20, 0, 0x1a, 0x0b});
  }
  CHECK(Binary().types({1, 0x60, 0, 0}).section(3, types).section(10, bodies).error().empty());
}

TEST_CASE("more operands than a million are refused by name") {
  Code code;
  for (int i = 0; i < 1'000'001; ++i) test::append(code, {0x41, 0});
  CHECK(has(Binary().function(code).error(), "more than 1,000,000 operands"));
}

TEST_CASE("a module that weft can't run is refused with what its producer can do") {
  const auto said = [](const std::string& module, int kind) {
    Code imports{1, static_cast<int>(module.size())};
    for (const char c : module) imports.push_back(c);
    test::append(imports, {1, 'f', kind});
    test::append(imports, kind == 2 ? Code{0, 1} : Code{0});
    const auto bytes = Binary().types({1, 0x60, 0, 0}).section(2, imports).bytes();
    const auto admitted = admit(bytes, {}, Role::command);
    REQUIRE_FALSE(admitted.ok());
    return admitted.error().message;
  };
  CHECK(said("env", 0).starts_with("unknown import \"env\" \"f\"; "));
  CHECK(has(said("env", 0), "--target wasm32-wasip1"));
  CHECK(has(said("env", 2), "--import-memory"));
  CHECK(has(said("wasi:cli/run@0.2.0", 0), "WASI preview 2"));
  CHECK(has(said("gojs", 0), "GOOS=wasip1"));
  CHECK(has(said("__wbindgen_placeholder__", 0), "wasm-bindgen"));
  CHECK(has(said("other", 0), "wasi_snapshot_preview1"));
}

TEST_CASE("a first look at the sections comes before the code, however large it is") {
  // The function is not valid; the import is what is said.
  const auto bytes = Binary()
                         .types({1, 0x60, 0, 0})
                         .section(2, {1, 1, 'm', 1, 'f', 0, 0})
                         .section(3, {1, 0})
                         .code({0x6a})
                         .bytes();
  const auto admitted = admit(bytes, {}, Role::command);
  REQUIRE_FALSE(admitted.ok());
  CHECK(has(admitted.error().message, "unknown import"));
}
