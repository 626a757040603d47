// SPDX-License-Identifier: Apache-2.0
// Guests with limits, alone and together, and how a test looks at their ends.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/unit/guest/guests.h"

namespace weft::test {

struct Guests {
  Runtime runtime;
  Output output;

  explicit Guests(const std::string& engine, const UseLimits& all = {})
      : runtime(make_engine(engine)) {
    runtime.limit_all(all);
  }

  Guest& spawn(const std::string& name, std::vector<std::string> args = {},
               const UseLimits& use = GuestOptions{}.use, const GuestLimits& limits = {}) {
    auto guest = try_spawn(name, std::move(args), use, limits);
    REQUIRE(guest.ok());
    return **guest;
  }

  Result<Guest*> try_spawn(const std::string& name, std::vector<std::string> args = {},
                           const UseLimits& use = GuestOptions{}.use,
                           const GuestLimits& limits = {}) {
    auto module = runtime.load(guest_path(name), limits);
    REQUIRE(module.ok());
    args.insert(args.begin(), name);
    return runtime.spawn(*module, {.args = args,
                                   .preopens = {{"/tmp", "/"}},
                                   .stdin_from = -1,
                                   .stdout_to = output.fd(),
                                   .stderr_to = -1,
                                   .use = use});
  }

  void run() { CHECK(runtime.run().end == RunEnd::finished); }
};

inline UseLimits with_sizes(const BudgetSizes& sizes) {
  return {.sizes = sizes, .time = {}};
}

inline UseLimits with_time(Duration time) {
  return {.sizes = {.descriptors = 4096}, .time = time};
}

inline void check_trapped(const Guest& guest, TrapKind kind, bool has_frames = true) {
  REQUIRE(guest.end().has_value());
  CHECK(guest.end()->kind == GuestEnd::Kind::trapped);
  CHECK(std::string(name(guest.end()->trap.kind)) == name(kind));
  CHECK(guest.end()->trap.frames.empty() != has_frames);
  CHECK((guest.end()->trap.offset != 0) == has_frames);
}

}  // namespace weft::test
