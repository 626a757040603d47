// SPDX-License-Identifier: Apache-2.0
#include "guest/wasm/module_scan.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "guest/command.h"
#include "tests/unit/guest/guests.h"
#include "tests/unit/guest/wasm/binary.h"

using namespace weft;
using test::Binary;
using test::has;

namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

std::string error_of(const Bytes& bytes) {
  const auto info = scan_module(bytes);
  return info ? "" : info.error().message;
}

// What the engines of libwabt say of a module that is valid.
std::string lacking(const Binary& binary) {
  const auto info = scan_module(binary.bytes());
  REQUIRE(info.ok());
  const Status known = check_libwabt_knows(*info, "interp");
  return known ? "" : known.error().message;
}

}  // namespace

TEST_CASE("what is not a module is told apart") {
  CHECK(has(error_of({}), "empty"));
  CHECK(has(error_of(bytes_of({'#', '!', '/', 'b', 'i', 'n'})), "not a WebAssembly module"));
  CHECK(has(error_of(bytes_of({'(', 'm', 'o', 'd', 'u', 'l', 'e', ')'})), "wat2wasm"));
  CHECK(has(error_of(bytes_of({0, 'a', 's', 'm', 13, 0, 1, 0})), "component unbundle"));
  CHECK(has(error_of(bytes_of({0, 'a', 's', 'm', 2, 0, 0, 0})), "version 2"));
  CHECK(has(error_of(bytes_of({0, 'a', 's', 'm', 1})), "header"));
}

TEST_CASE("a proposal that weft does not have is named") {
  CHECK(has(Binary().types({1, 0x5f, 0}).error(), "\"gc\""));
  CHECK(has(Binary().types({1, 0x60, 1, 0x6e, 0}).error(), "\"gc\""));
  CHECK(has(Binary().function({0xfb, 0, 0}).error(), "\"gc\""));
  CHECK(has(Binary().types({1, 0x60, 1, 0x64, 0x70, 0}).error(), "\"function-references\""));
  CHECK(has(Binary().function({0x14, 0}).error(), "\"function-references\""));
  CHECK(has(Binary().section(5, {1, 3, 1, 1}).error(), "\"threads\""));
  CHECK(has(Binary().section(5, {1, 8, 1, 0}).error(), "\"custom-page-sizes\""));
  CHECK(has(Binary().section(2, {1, 1, 'M', 1, 'f', 0x20, 0}).error(), "\"custom-descriptors\""));
  CHECK(has(Binary().function({0xe3, 0, 0}).error(), "\"stack-switching\""));
}

TEST_CASE("a proposal that libwabt does not know is named, with what needs it and where") {
  CHECK(lacking(Binary().function({0x12, 0})) ==
        "the module uses the WebAssembly proposal \"tail-call\" (return_call at byte 23), which "
        "the engine interp does not know");
  CHECK(has(lacking(Binary().section(5, {1, 4, 1})), "\"memory64\" (a memory at byte"));
  CHECK(has(lacking(Binary().section(4, {1, 0x70, 4, 1})), "\"memory64\" (a table at byte"));
  CHECK(has(lacking(Binary().section(5, {2, 0, 1, 0, 1})), "\"multi-memory\""));
  CHECK(has(lacking(Binary().with(13, {1, 0, 0}).function({0x08, 0})), "(a tag at byte"));
  CHECK(has(lacking(Binary().function({0x1f, 0x40, 0, 0x0b})), "\"exception-handling\""));
  CHECK(has(lacking(Binary().types({1, 0x60, 1, 0x69, 0})), "(exnref at byte"));
  CHECK(has(lacking(Binary().function({0x06, 0x40, 0x19, 0x0b})), "\"legacy exception"));
  CHECK(has(lacking(Binary().with(5, {1, 0, 1}).function({0x41, 0, 0xfe, 0x10, 2, 0, 0x1a})),
            "\"threads\" (i32.atomic.load at byte"));
  CHECK(has(lacking(Binary().function({0x00, 0xfd, 0x80, 0x02, 0x1a})), "\"relaxed-simd\""));
  CHECK(has(lacking(Binary().section(6, {1, 0x7f, 0, 0x41, 1, 0x41, 1, 0x6a, 0x0b})),
            "\"extended-const\""));
  CHECK(has(lacking(Binary().section(6, {1, 0x63, 0x70, 0, 0xd0, 0x70, 0x0b})),
            "\"function-references\""));
}

TEST_CASE("a module that uses only what libwabt knows is not refused") {
  CHECK(lacking(Binary().function({0x00, 0xfc, 0, 0xc0, 0x1a, 0x1a})).empty());
  CHECK(lacking(Binary().function({0x00, 0xfd, 0x62, 0x1a})).empty());
  CHECK(lacking(Binary().section(4, {2, 0x70, 0, 1, 0x6f, 0, 1})).empty());
}

TEST_CASE("a count that can't be true is refused before room is made for it") {
  CHECK(has(Binary().types({0xff, 0xff, 0xff, 0xff, 0x0f}).error(), "more types than bytes"));
  CHECK(has(Binary().function({0x00, 0x0e, 0xff, 0xff, 0xff, 0xff, 0x0f, 0}).error(),
            "more targets of a br_table than bytes"));
  CHECK(has(Binary().function({}, {1, 0xff, 0xff, 0xff, 0x7f, 0x7f}).error(), "50,000 locals"));
  CHECK(has(Binary().section(12, {0xff, 0xff, 0xff, 0xff, 0x0f}).error(), "data segments"));
  CHECK(has(Binary().types({0x80, 0x80, 0x80, 0x80, 0x80, 0x01}).error(), "longer than 5 bytes"));
}

TEST_CASE("blocks that are not closed, or closed too often, were let through") {
  CHECK(has(Binary().function({0x02, 0x40}).error(), "a block without an end"));
  CHECK(has(Binary().function({0x0b, 0x01}).error(), "behind the end"));
  CHECK(Binary().function({0x02, 0x40, 0x0b}).error().empty());
}

TEST_CASE("numbers of more than 32 bits, and names of custom sections that are not UTF-8") {
  CHECK(has(Binary().section(0, {0x83, 0x80, 0x80, 0x80, 0x40, 'a', 'b', 'c'}).error(),
            "a number of more than 32 bits"));
  CHECK(has(Binary().section(0, {1, 0x80, 0}).error(), "not UTF-8"));
  CHECK(Binary().section(0, {1, 'a', 0x80}).error().empty());
}

TEST_CASE("each prefix of a real module is refused without a crash") {
  const Bytes whole = test::guest_bytes("c_hello");
  REQUIRE(scan_module(whole).ok());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    // A cut between two sections leaves a module that is well-formed, only shorter.
    (void)scan_module(std::span(whole).first(length));
  }
  CHECK_FALSE(scan_module(std::span(whole).first(whole.size() / 2)).ok());
}

TEST_CASE("functions are described by the name section, else by an export, else by their index") {
  const auto info = scan_module(test::guest_bytes("wat_trap"));
  REQUIRE(info.ok());
  CHECK(info->find_export("_start") != nullptr);
  CHECK(info->find_export("nope") == nullptr);
  CHECK(info->describe_function(99'999) == "function 99999");
}

TEST_CASE("the instruction that trapped is found in its function alone, as in the whole module") {
  const Bytes whole = test::guest_bytes("c_trap_div");
  const auto info = scan_module(whole);
  REQUIRE(info.ok());
  REQUIRE(info->trap_offsets.size() > 100);
  for (const std::uint32_t at : info->trap_offsets) {
    const std::uint32_t code = info->code_offset(info->function_at(at));
    CHECK(trap_before(whole, code, at + 1) == at);
  }
  const std::uint32_t first = info->code_offset(info->imported_functions);
  CHECK(trap_before(whole, first, first) == 0);
  CHECK(trap_before(whole, 0, 100) == 0);
  CHECK(trap_before(whole, first, UINT32_MAX) == 0);
}
