// SPDX-License-Identifier: Apache-2.0
// A trap where there is hardly any stack left to tell of it.
#include <doctest/doctest.h>
#include <fcntl.h>

#include "guest/aot/aot.h"
#include "tests/unit/guest/guests.h"

using namespace weft;
using weft::test::guest_path;
using weft::test::make_engine;

namespace {

// Of a guest that calls itself so deep and traps there or returns, on the smallest stack.
GuestEnd end_at_depth(Engine& engine, std::uint32_t depth, bool traps) {
  int pipe[2];
  REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
  const UniqueFd reader(pipe[0]);
  const UniqueFd writer(pipe[1]);
  const std::uint32_t words[] = {depth, traps ? 1U : 0U};
  REQUIRE(::write(writer.get(), words, sizeof words) == sizeof words);
  Runtime runtime;
  const GuestLimits limits{.stack_bytes = std::size_t{128} << 10};
  auto module = engine.load(guest_path("wat_trap_at_depth"), test::guest_bytes("wat_trap_at_depth"),
                            limits, Role::command);
  REQUIRE(module.ok());
  auto guest =
      runtime.spawn(*module, {.stdin_from = reader.get(), .stdout_to = -1, .stderr_to = -1});
  REQUIRE(guest.ok());
  runtime.run();
  return *(*guest)->end();
}

}  // namespace

TEST_CASE("a trap near the stack's end was told as a stack overflow") {
  const auto engine = make_engine("aot");
  std::uint32_t fits = 1;
  std::uint32_t overflows = 100'000;
  while (overflows - fits > 1) {
    const std::uint32_t depth = (fits + overflows) / 2;
    const bool fit = end_at_depth(*engine, depth, false).kind == GuestEnd::Kind::exited;
    (fit ? fits : overflows) = depth;
  }
  // What the trap itself takes.
#if defined(WEFT_ASAN)
  constexpr std::uint32_t kOwn = 200;
#else
  constexpr std::uint32_t kOwn = 30;
#endif
  const GuestEnd end = end_at_depth(*engine, fits - kOwn, true);
  CHECK(std::string(name(end.trap.kind)) == name(TrapKind::unreachable));
  CHECK(end.trap.frames.size() > 10);
  CHECK(end.trap.offset == end_at_depth(*engine, 10, true).trap.offset);
}
