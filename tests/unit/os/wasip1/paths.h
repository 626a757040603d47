// SPDX-License-Identifier: Apache-2.0
// What tests of paths share: a guest under each resolver, and options for path_open.
#pragma once

#include <doctest/doctest.h>

#include "os/wasip1/resolve.h"
#include "tests/unit/os/wasip1/guest.h"

namespace weft::wasip1::test {

// A guest under both ways to resolve: each test runs with each.
template <class F>
void with_both_resolvers(F&& f) {
  for (const ResolverKind kind : {ResolverKind::automatic, ResolverKind::walk}) {
    CAPTURE(static_cast<int>(kind));
    TempDir dir;
    auto config = with_directory(dir.path());
    config.resolver = kind;
    TestGuest guest(std::move(config));
    CHECK((kind != ResolverKind::walk || guest.process().resolver().walks()));
    guest.run([&] { f(guest, dir); });
  }
}

inline TestGuest::OpenOptions flags(std::uint16_t o_flags, Rights base = rights::fd_read,
                                    std::uint32_t lookup = 0) {
  TestGuest::OpenOptions options;
  options.o_flags = o_flags;
  options.base = base;
  options.lookup = lookup;
  return options;
}

}  // namespace weft::wasip1::test
