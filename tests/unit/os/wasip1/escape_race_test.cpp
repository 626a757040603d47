// SPDX-License-Identifier: Apache-2.0
// Attempts to get out of a preopened directory while somebody else moves things about in it.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "tests/unit/os/wasip1/escape_world.h"

using namespace weft;
using namespace weft::wasip1;
using namespace weft::wasip1::test;

TEST_CASE("a directory that is swapped for a link while a guest opens files is no way out") {
  for (const ResolverKind kind : {ResolverKind::automatic, ResolverKind::walk}) {
    CAPTURE(static_cast<int>(kind));
    EscapeWorld world(kind);
    TestGuest& guest = *world.guest;
    const fs::path in = world.tmp / "inside";
    fs::create_directory(in / "swap");
    write_file(in / "swap/secret", "mine");
    fs::create_symlink("../outside", in / "swap_link");
    std::atomic<bool> done = false;
    std::thread swapper([&] {
      const std::string a = (in / "swap").string();
      const std::string b = (in / "swap_link").string();
      while (!done) (void)::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE);
    });
    std::size_t opened = 0;
    guest.run([&] {
      for (int i = 0; i < 3000; ++i) {
        Fd fd = 0;
        if (guest.open(kRoot, "swap/secret", fd) == Errno::success) {
          std::string text;
          CHECK(guest.read(fd, text) == Errno::success);
          CHECK(text == "mine");
          CHECK(guest.call("fd_close", {fd}) == Errno::success);
          ++opened;
        }
        (void)attempt(guest, Op::create, "swap/new");
        (void)attempt(guest, Op::touch, "swap/secret");
        (void)attempt(guest, Op::mkdir, "swap/newdir");
        Fd last = 0;
        while (guest.open(kRoot, "file", last) == Errno::success && last > 100) {
          for (Fd f = 5; f <= last; ++f) (void)guest.call("fd_close", {f});
        }
      }
    });
    done = true;
    swapper.join();
    CHECK(opened > 0);
    world.check_outside();
  }
}

TEST_CASE("a directory that is moved outside while a path goes up from it is no way out") {
  for (const ResolverKind kind : {ResolverKind::automatic, ResolverKind::walk}) {
    CAPTURE(static_cast<int>(kind));
    EscapeWorld world(kind);
    TestGuest& guest = *world.guest;
    fs::create_directories(world.tmp / "inside/a/b/c");
    fs::create_directories(world.tmp / "outside/far");
    write_file(world.tmp / "outside/far/prize", "secret");
    std::atomic<bool> done = false;
    std::thread mover([&] {
      const std::string here = (world.tmp / "inside/a/b").string();
      const std::string there = (world.tmp / "outside/far/b").string();
      while (!done) {
        (void)::rename(here.c_str(), there.c_str());
        (void)::rename(there.c_str(), here.c_str());
      }
    });
    guest.run([&] {
      for (int i = 0; i < 5000; ++i) {
        Fd fd = 0;
        CHECK(guest.open(kRoot, "a/b/c/../../prize", fd) != Errno::success);
        CHECK(guest.open(kRoot, "a/b/c/../../../secret", fd) != Errno::success);
      }
    });
    done = true;
    mover.join();
  }
}
