// SPDX-License-Identifier: Apache-2.0
#include "guest/wabt/interp.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <fstream>
#include <string>

#include "tests/unit/guest/guests.h"

using namespace weft;
using weft::test::guest_path;

namespace {

// Of /proc/self/status.
std::uint64_t kib_of(const std::string& what) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != what + ":") continue;
    std::uint64_t kib = 0;
    status >> kib;
    return kib;
  }
  return 0;
}

}  // namespace

TEST_CASE("interp: a memory takes a page when it is touched, and none when it grows") {
  Runtime runtime(make_interp());
  auto module = runtime.load(guest_path("wat_large_memory"));
  REQUIRE(module.ok());
  std::ofstream("/proc/self/clear_refs") << "5";  // The peak begins here.
  const std::uint64_t before = kib_of("VmRSS");
  auto guest = runtime.spawn(*module, {.stdin_from = -1, .stdout_to = -1, .stderr_to = -1});
  REQUIRE(guest.ok());
  CHECK(runtime.run().end == RunEnd::finished);
  REQUIRE((*guest)->end().has_value());
  CHECK((*guest)->end()->kind == GuestEnd::Kind::exited);
  CHECK((*guest)->end()->exit_code == 8);
  CHECK(kib_of("VmHWM") - before < 64 * 1024);
}

TEST_CASE("interp: an integer where a reference was is not followed when another guest ends") {
  Runtime runtime(make_interp());
  auto module = runtime.load(guest_path("wat_stale_reference"));
  REQUIRE(module.ok());
  std::vector<Guest*> guests;
  for (int i = 0; i < 20; ++i) {
    auto guest = runtime.spawn(*module, {.stdin_from = -1, .stdout_to = -1, .stderr_to = -1});
    REQUIRE(guest.ok());
    guests.push_back(*guest);
  }
  CHECK(runtime.run().end == RunEnd::finished);
  for (const Guest* guest : guests) CHECK(guest->end()->kind == GuestEnd::Kind::exited);
}
