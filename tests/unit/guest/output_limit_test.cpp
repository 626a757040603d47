// SPDX-License-Identifier: Apache-2.0
// How much guests may write, alone and together.
#include <doctest/doctest.h>
#include <fcntl.h>

#include "tests/unit/guest/limited_guests.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("a guest writes up to its limit to the byte, and ends with the next call") {
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    Guests guests(engine, with_sizes({.output_bytes = 160}));
    const Guest& own =
        guests.spawn("c_limits", {"write", "1000"}, with_sizes({.output_bytes = 55}));
    const Guest& within =
        guests.spawn("c_limits", {"write", "50"}, with_sizes({.output_bytes = 50}));
    guests.run();
    check_trapped(own, TrapKind::out_of_output);
    CHECK(within.end()->kind == GuestEnd::Kind::exited);
    CHECK(guests.output.text().size() == 105);
    // What was written stays written: 55 are left.
    const Guest& rest = guests.spawn("c_limits", {"write", "1000"});
    guests.run();
    check_trapped(rest, TrapKind::out_of_output);
    CHECK(guests.output.text().size() == 160);
  }
}

TEST_CASE("a guest that waits to write holds nothing of what all may write") {
  for (const char* engine : kEngines) {
    CAPTURE(engine);
    int pipe[2];
    REQUIRE(::pipe2(pipe, O_CLOEXEC | O_NONBLOCK) == 0);
    const UniqueFd reader(pipe[0]);
    const UniqueFd writer(pipe[1]);
    std::vector<char> bytes(65'536);
    while (::write(writer.get(), bytes.data(), bytes.size()) > 0) {
    }
    Guests guests(engine, with_sizes({.output_bytes = 10}));
    auto module = guests.runtime.load(guest_path("c_limits"));
    REQUIRE(module.ok());
    auto waits = guests.runtime.spawn(*module, {.args = {"c_limits", "write", "10"},
                                                .stdin_from = -1,
                                                .stdout_to = writer.get(),
                                                .stderr_to = -1});
    REQUIRE(waits.ok());
    const Guest& writes = guests.spawn("c_limits", {"write", "10"});
    const auto drains = guests.runtime.scheduler().spawn([&] {
      while (!writes.end()) yield();
      CHECK_FALSE((*waits)->end().has_value());
      while (::read(reader.get(), bytes.data(), bytes.size()) > 0) {
      }
    });
    REQUIRE(drains.ok());
    guests.run();
    CHECK(writes.end()->kind == GuestEnd::Kind::exited);
    CHECK(guests.output.text() == "123456789\n");
    check_trapped(**waits, TrapKind::out_of_output);
  }
}
