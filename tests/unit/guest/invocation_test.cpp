// SPDX-License-Identifier: Apache-2.0
#include "guest/invocation.h"

#include <doctest/doctest.h>

#include <bit>
#include <limits>

#include "guest/runtime.h"
#include "tests/unit/guest/guests.h"

using namespace weft;
using weft::test::guest_path;

namespace {

// A module's functions by name; their types are "params:results".
ModuleInfo module_of(const std::vector<std::pair<std::string, std::string>>& functions) {
  ModuleInfo info;
  for (const auto& [name, type] : functions) {
    const auto index = static_cast<std::uint32_t>(info.types.size());
    const std::size_t colon = type.find(':');
    info.types.push_back({type.substr(0, colon), type.substr(colon + 1)});
    info.function_types.push_back(index);
    info.exports.push_back({name, ExternalKind::func, index});
  }
  return info;
}

std::vector<std::string> called(const ModuleInfo& info, const std::string& function = "") {
  const auto entry = find_entry(info, function);
  if (!entry) return {entry.error().message};
  std::vector<std::string> names;
  if (entry->initialize != nullptr) names.push_back(entry->initialize->name);
  names.push_back(entry->main->name);
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("what a guest runs: _start, or _initialize and then what is called") {
  const ModuleInfo command = module_of({{"_start", ":"}, {"f", "i:"}});
  CHECK(called(command) == Names{"_start"});
  CHECK(called(command, "f") == Names{"f"});
  const ModuleInfo both = module_of({{"_initialize", ":"}, {"", ":"}, {"_start", ":"}});
  CHECK(called(both) == Names{"_start"});
  const ModuleInfo reactor = module_of({{"_initialize", ":"}, {"", ":"}, {"f", "i:"}});
  CHECK(called(reactor) == Names{"_initialize", ""});
  CHECK(called(reactor, "f") == Names{"_initialize", "f"});
  CHECK(called(reactor, "_initialize") == Names{"_initialize"});
  CHECK(called(module_of({{"", ":"}})) == Names{""});
}

TEST_CASE("a function that must be bare is refused with parameters or results") {
  CHECK(called(module_of({{"_start", "i:"}})) ==
        Names{"_start must take no parameters and return nothing"});
  CHECK(called(module_of({{"_start", "i:"}, {"f", ":"}}), "f") == Names{"f"});
  CHECK(called(module_of({{"_initialize", ":i"}, {"", ":"}})) ==
        Names{"_initialize must take no parameters and return nothing"});
}

TEST_CASE("an export with the empty name, which --invoke can't name, is not listed") {
  const std::string told = called(module_of({{"", "i:"}, {"f", "i:"}}), "nosuch").front();
  CHECK_MESSAGE(told.ends_with("; --invoke NAME can call f(i32)"), told);
}

// It said "no function" of an export that --invoke was given by its right name.
TEST_CASE("--invoke of a function of the host that is exported again says what it is") {
  ModuleInfo info = module_of({{"write", "i:"}, {"own", "i:"}});
  info.imports.push_back({"env", "memory", ExternalKind::memory});
  info.imports.push_back({"wasi_snapshot_preview1", "fd_write", ExternalKind::func, 0});
  info.imported_functions = 1;
  info.function_types.erase(info.function_types.begin());
  info.exports.push_back({"heap", ExternalKind::memory, 0});
  CHECK(called(info, "write") ==
        Names{"the export \"write\" is a function of the host (\"wasi_snapshot_preview1\" "
              "\"fd_write\") that the module exports again; export a function of the module's own "
              "that calls it; --invoke NAME can call own(i32)"});
  CHECK(called(info, "heap") ==
        Names{"the export \"heap\" is a memory, not a function; --invoke NAME can call own(i32)"});
  info.exports.front().name = "_start";
  CHECK(called(info).front().starts_with("the export \"_start\" is a function of the host"));
  info.exports.front().name = "_initialize";
  CHECK(called(info, "own")
            .front()
            .starts_with("the export \"_initialize\" is a function of the host"));
}

TEST_CASE("of a module with many exports the first twenty are listed") {
  std::vector<std::pair<std::string, std::string>> functions;
  functions.reserve(30);
  for (int i = 0; i < 30; ++i) functions.emplace_back("f" + std::to_string(i), "i:I");
  const std::string told = called(module_of(functions)).front();
  CHECK(told.find("f19(i32) -> i64 and 10 more") != std::string::npos);
  CHECK(told.find("f20") == std::string::npos);
}

TEST_CASE("integers are read in all of their range, in decimal and hex, and not beyond it") {
  const ModuleInfo info = module_of({{"f", "i:"}, {"g", "I:"}});
  const auto value = [&](const char* function, const char* word) -> std::optional<std::uint64_t> {
    const Names words{word};
    const auto call = read_invocation(info, function, words);
    if (!call) return std::nullopt;
    return call->values.front();
  };
  CHECK(value("f", "-2147483648") == 0x80000000U);
  CHECK(value("f", "4294967295") == 0xffffffffU);
  CHECK(value("f", "0xFf") == 255U);
  CHECK(value("f", "-0x1") == 0xffffffffU);
  CHECK(value("g", "-9223372036854775808") == std::uint64_t{1} << 63);
  CHECK(value("g", "18446744073709551615") == UINT64_MAX);
  for (const char* bad :
       {"", "-", "0x", "--1", "+1", "1.0", " 1", "1 ", "4294967296", "-2147483649"}) {
    CHECK_MESSAGE(!value("f", bad), bad);
  }
  CHECK_FALSE(value("g", "18446744073709551616"));
  CHECK_FALSE(value("g", "-9223372036854775809"));
}

TEST_CASE("results are written as they can be read back") {
  const auto f32 = [](float value) { return std::uint64_t{std::bit_cast<std::uint32_t>(value)}; };
  const auto f64 = [](double value) { return std::bit_cast<std::uint64_t>(value); };
  const std::vector<std::uint64_t> values = {0xffffffff, UINT64_MAX, f32(0.1F), f64(0.1),
                                             0,          7,          2,         1};
  CHECK(results_in_words("iIfFrev", values) ==
        "-1\n-1\n0.1\n0.1\nnull\nref\n0x00000000000000010000000000000002\n");
  const double infinite = std::numeric_limits<double>::infinity();
  CHECK(results_in_words("FF", std::vector<std::uint64_t>{f64(1), f64(-infinite)}) == "1\n-inf\n");
}

TEST_CASE("a guest's function is called with values, and its results are there when it has ended") {
  Runtime runtime;
  auto module = runtime.load(guest_path("wat_reactor"), {}, Role::library);
  REQUIRE(module.ok());
  const auto spawn = [&](std::string function, std::vector<std::uint64_t> values) {
    return runtime.spawn(*module, {.stdin_from = -1,
                                   .stdout_to = -1,
                                   .stderr_to = -1,
                                   .invoke = {std::move(function), std::move(values)}});
  };
  auto sum = spawn("add", {40, 2});
  auto trapped = spawn("quotient", {1, 0});
  REQUIRE(sum.ok());
  REQUIRE(trapped.ok());
  CHECK(spawn("add", {1}).error().message ==
        "wat_reactor.wasm: the function \"add\" takes 2 arguments (i32, i32), not 1");
  CHECK_FALSE(spawn("nope", {}).ok());
  CHECK(runtime.run().end == RunEnd::finished);
  CHECK((*sum)->results() == std::vector<std::uint64_t>{42});
  CHECK((*trapped)->end()->kind == GuestEnd::Kind::trapped);
  CHECK((*trapped)->results().empty());
}
