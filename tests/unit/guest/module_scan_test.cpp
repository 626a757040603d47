// SPDX-License-Identifier: Apache-2.0
#include "guest/wasm/module_scan.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/unit/guest/guests.h"

using namespace weft;

namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

// A module with one section.
Bytes module_with(int section, std::initializer_list<int> body) {
  Bytes bytes = bytes_of({0, 'a', 's', 'm', 1, 0, 0, 0, section, static_cast<int>(body.size())});
  const Bytes rest = bytes_of(body);
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  return bytes;
}

std::string error_of(const Bytes& bytes) {
  const auto info = scan_module(bytes);
  return info ? "" : info.error().message;
}

bool has(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what is not a module is told apart") {
  CHECK(has(error_of({}), "empty"));
  CHECK(has(error_of(bytes_of({'#', '!', '/', 'b', 'i', 'n'})), "not a WebAssembly module"));
  CHECK(has(error_of(bytes_of({'(', 'm', 'o', 'd', 'u', 'l', 'e', ')'})), "wat2wasm"));
  CHECK(has(error_of(bytes_of({0, 'a', 's', 'm', 13, 0, 1, 0})), "component"));
  CHECK(has(error_of(bytes_of({0, 'a', 's', 'm', 2, 0, 0, 0})), "version 2"));
  CHECK(has(error_of(bytes_of({0, 'a', 's', 'm', 1})), "header"));
}

TEST_CASE("the proposal that a module needs is named") {
  CHECK(has(error_of(module_with(5, {1, 3, 1, 1})), "threads"));
  CHECK(has(error_of(module_with(5, {1, 4, 1})), "memory64"));
  CHECK(has(error_of(module_with(5, {2, 0, 1, 0, 1})), "multi-memory"));
  CHECK(has(error_of(module_with(13, {1, 0, 0})), "exception-handling"));
  CHECK(has(error_of(module_with(10, {1, 4, 0, 0x12, 0, 0x0b})), "tail-call"));
  CHECK(has(error_of(module_with(10, {1, 5, 0, 0xfe, 0x10, 2, 0})), "threads"));
  CHECK(has(error_of(module_with(10, {1, 5, 0, 0xfd, 0x80, 0x02, 0x0b})), "relaxed-simd"));
  CHECK(has(error_of(module_with(1, {1, 0x5f, 0})), "gc"));
  CHECK(
      has(error_of(module_with(6, {1, 0x7f, 0, 0x41, 1, 0x41, 1, 0x6a, 0x0b})), "extended-const"));
}

TEST_CASE("a count that can't be true is refused before anybody makes room for it") {
  CHECK(has(error_of(module_with(1, {0xff, 0xff, 0xff, 0xff, 0x0f})), "more types than bytes"));
  CHECK(has(error_of(module_with(10, {1, 8, 0, 0x0e, 0xff, 0xff, 0xff, 0xff, 0x0f, 0})),
            "more targets of a br_table than bytes"));
  CHECK(has(error_of(module_with(10, {1, 7, 1, 0xff, 0xff, 0xff, 0x7f, 0x7f, 0x0b})), "locals"));
  CHECK(has(error_of(module_with(4, {1, 0x70, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})), "table"));
  CHECK(has(error_of(module_with(12, {0xff, 0xff, 0xff, 0xff, 0x0f})), "data segments"));
  CHECK(has(error_of(module_with(3, {0x80, 0x80, 0x80, 0x80, 0x80, 0x01})), "longer than 5 bytes"));
}

TEST_CASE("blocks that are not closed, or closed too often, were let through") {
  CHECK(has(error_of(module_with(10, {1, 4, 0, 0x02, 0x40, 0x0b})), "a block without an end"));
  CHECK(has(error_of(module_with(10, {1, 2, 0, 0x01})), "a block without an end"));
  CHECK(has(error_of(module_with(10, {1, 4, 0, 0x0b, 0x01, 0x0b})), "behind the end"));
  CHECK(error_of(module_with(10, {1, 5, 0, 0x02, 0x40, 0x0b, 0x0b})).empty());
}

TEST_CASE("numbers of more than 32 bits, and names of custom sections that are not UTF-8") {
  CHECK(has(error_of(module_with(0, {0x83, 0x80, 0x80, 0x80, 0x40, 'a', 'b', 'c'})),
            "a number of more than 32 bits"));
  CHECK(has(error_of(module_with(0, {1, 0x80, 0})), "not UTF-8"));
  CHECK(error_of(module_with(0, {1, 'a', 0x80})).empty());
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
