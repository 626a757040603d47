// SPDX-License-Identifier: Apache-2.0
// What stands in a custom section, and whatever is wrong with it, changes nothing of how a module
// runs: on no engine, and wherever the section stands.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "guest/wabt/wat_text.h"
#include "tests/unit/guest/guests.h"

using namespace weft;
using namespace weft::test;

namespace {

using ModuleBytes = std::vector<std::uint8_t>;

// The tables and the data keep sections on both sides of the code.
constexpr const char* kDividing = R"((module
  (memory 1)
  (table 1 funcref)
  (elem (i32.const 0) $quotient)
  (func $quotient (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "_start") (drop (call $quotient (i32.load (i32.const 0)) (i32.const 0))))
  (data (i32.const 0) "data")))";

// Those that weft reads, that libwabt reads in some version, and others that tools write.
constexpr const char* kCustomNames[] = {
    "name",
    "producers",
    ".debug_line",
    ".debug_info",
    ".debug_abbrev",
    "go:buildid",
    "target_features",
    "linking",
    "reloc.CODE",
    "reloc.DATA",
    "reloc..debug",
    "dylink.0",
    "dylink",
    "relocs",
    "build_id",
    "code",
    "generated_names",
    "metadata.code.hints",
    "sourceMappingURL",
    "",
};

void put_leb(ModuleBytes& to, std::size_t value) {
  for (; value >= 0x80; value >>= 7U) to.push_back(static_cast<std::uint8_t>(value | 0x80U));
  to.push_back(static_cast<std::uint8_t>(value));
}

ModuleBytes custom_section(std::string_view name, const ModuleBytes& content) {
  ModuleBytes body;
  put_leb(body, name.size());
  body.insert(body.end(), name.begin(), name.end());
  body.insert(body.end(), content.begin(), content.end());
  ModuleBytes whole = {0};
  put_leb(whole, body.size());
  whole.insert(whole.end(), body.begin(), body.end());
  return whole;
}

// Where a section may stand: in front of each one, and at the end.
std::vector<std::size_t> boundaries(const ModuleBytes& module) {
  std::vector<std::size_t> all = {8};
  while (all.back() < module.size()) {
    std::size_t at = all.back() + 1;
    std::size_t size = 0;
    for (unsigned shift = 0;; shift += 7) {
      size |= std::size_t{module[at] & 0x7fU} << shift;
      if (module[at++] < 0x80) break;
    }
    all.push_back(at + size);
  }
  return all;
}

// No section of any of these names has such a content, or its counts and sizes are too large.
std::vector<ModuleBytes> wrong_contents() {
  std::vector<ModuleBytes> all = {
      {},
      {0xff},
      {0x00, 0x00, 0x00, 0x01},                                // It ends before its bytes do.
      {0xff, 0xff, 0xff, 0xff, 0x0f},                          // A count of 4 G.
      {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},  // A number without an end.
      {0x01, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00},              // A part of 4 G.
      {0x02, 0x08, 0xff, 0xff, 0xff, 0xff, 0x0f},              // linking: so many symbols.
      {0x03, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x00},        // reloc: of the section 3.
      {0x01, 0x04, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x00, 0x00},  // dylink: memory.
      {0x01, 0x03, 0x01, 0xff, 0x00},                          // name: of 255 bytes.
      {0x01, '+', 0x7f, 'x'},                                  // target_features.
  };
  std::uint32_t seed = 1;
  for (std::size_t n = 0; n < 30; ++n) {
    ModuleBytes content(1 + n % 24);
    for (std::uint8_t& byte : content) {
      seed = seed * 1'664'525U + 1'013'904'223U;
      byte = static_cast<std::uint8_t>((seed >> 24U) & (n % 2 == 0 ? 0xffU : 0x0fU));
    }
    all.push_back(std::move(content));
  }
  return all;
}

ModuleBytes spliced(const ModuleBytes& module, std::size_t at, const ModuleBytes& inserted) {
  ModuleBytes bytes = module;
  bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), inserted.begin(), inserted.end());
  return bytes;
}

// The offset of the trap that the module ends with.
std::uint32_t trap_offset(const char* engine, const ModuleBytes& module, std::uint32_t quantum) {
  Runtime runtime(make_engine(engine));
  GuestLimits limits;
  limits.quantum = quantum;
  auto loaded = runtime.load_bytes("custom.wasm", std::as_bytes(std::span(module)), limits);
  REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
  auto guest = runtime.spawn(*loaded, {});
  REQUIRE_MESSAGE(guest.ok(), guest.error().message);
  REQUIRE(runtime.run().end == RunEnd::finished);
  const auto& end = (*guest)->end();
  REQUIRE(end);
  REQUIRE(end->kind == GuestEnd::Kind::trapped);
  CHECK(end->trap.kind == TrapKind::divide_by_zero);
  CHECK(end->trap.source.empty());
  return end->trap.offset;
}

ModuleBytes plain_module() {
  ModuleBytes module;
  REQUIRE(wat_to_binary(kDividing, module).empty());
  return module;
}

}  // namespace

TEST_CASE("a malformed custom section of any name, anywhere, is as if it were not there") {
  const ModuleBytes module = plain_module();
  const std::uint32_t plain = trap_offset("jit", module, 0);
  const std::vector<std::size_t> places = boundaries(module);
  REQUIRE(places.size() > 6);
  std::size_t n = 0;
  for (const char* name : kCustomNames) {
    for (const ModuleBytes& content : wrong_contents()) {
      CAPTURE(name);
      const std::size_t at = places[n++ % places.size()];
      const ModuleBytes wrong = custom_section(name, content);
      const ModuleBytes both = spliced(module, at, wrong);
      const std::uint32_t moved =
          plain + (at < plain ? static_cast<std::uint32_t>(wrong.size()) : 0);
      CHECK(trap_offset("interp", both, 0) == moved);
      CHECK(trap_offset("jit", both, 0) == moved);
    }
  }
}

TEST_CASE("with all malformed custom sections at once a module runs on every engine") {
  const ModuleBytes module = plain_module();
  const std::uint32_t plain = trap_offset("jit", module, 0);
  ModuleBytes before;  // The code.
  ModuleBytes whole = module;
  const std::vector<ModuleBytes> contents = wrong_contents();
  const std::vector<std::size_t> places = boundaries(module);
  for (auto at = places.rbegin(); at != places.rend(); ++at) {  // So that others stay valid.
    for (std::size_t n = 0; n < std::size(kCustomNames); ++n) {
      const ModuleBytes wrong =
          custom_section(kCustomNames[n], contents[(n + *at) % contents.size()]);
      whole = spliced(whole, *at, wrong);
      if (*at < plain) before.insert(before.end(), wrong.begin(), wrong.end());
    }
  }
  const auto moved = plain + static_cast<std::uint32_t>(before.size());
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    CHECK(trap_offset(engine, whole, 0) == moved);
    CHECK(trap_offset(engine, whole, 10'000) == moved);
  }
}
