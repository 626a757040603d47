// SPDX-License-Identifier: Apache-2.0
// Attempts to get out of a preopened directory. Each is one line of a table: a call, a path, and
// the errno that it must end with. All run against both resolvers. After each table the world
// outside must be what it was.
#include <doctest/doctest.h>

#include "tests/unit/os/wasip1/escape_world.h"

using namespace weft;
using namespace weft::wasip1;
using namespace weft::wasip1::test;

namespace {

constexpr Errno perm = Errno::perm;

}  // namespace

TEST_CASE("absolute paths lead nowhere") {
  run_all({
      {Op::read, "/etc/passwd", perm},
      {Op::read, "/", perm},
      {Op::read, "//file", perm},
      {Op::list, "/", perm},
      {Op::create, "/tmp/weft-new", perm},
      {Op::mkdir, "/tmp/weft-new", perm},
      {Op::unlink, "/tmp/weft-new", perm},
      {Op::rmdir, "/tmp", perm},
      {Op::stat, "/etc/passwd", perm},
      {Op::lstat, "/", perm},
      {Op::touch, "/etc/passwd", perm},
      {Op::rename_from, "/etc/passwd", perm},
      {Op::rename_to, "/tmp/x", perm},
      {Op::link_from, "/etc/passwd", perm},
      {Op::link_to, "/tmp/x", perm},
      {Op::symlink_at, "/tmp/x", perm},
      {Op::readlink, "/proc/self/exe", perm},
  });
}

TEST_CASE("dot-dot leads no higher than the directory, however it is spelt") {
  run_all({
      {Op::read, "..", perm},
      {Op::read, "../", perm},
      {Op::read, "../outside/secret", perm},
      {Op::read, "./../outside/secret", perm},
      {Op::read, "sub/../../outside/secret", perm},
      {Op::read, "sub/deep/../../../outside/secret", perm},
      {Op::read, "sub//..//..//outside//secret", perm},
      {Op::read, "../inside/file", perm},  // Out and in again is out.
      {Op::read, "../../../../../../../../etc/passwd", perm},
      {Op::read, "dot/../../outside/secret", perm},
      {Op::read, "none/../../outside/secret", Errno::noent},
      {Op::read, "file/../../outside/secret", Errno::notdir},
      {Op::write, "../outside/secret", perm},
      {Op::truncate, "../outside/secret", perm},
      {Op::create, "../outside/new", perm},
      {Op::list, "../outside", perm},
      {Op::list, "..", perm},
      {Op::list, "sub/../..", perm},
      {Op::mkdir, "../outside/new", perm},
      {Op::mkdir, "..", perm},
      {Op::rmdir, "../outside/dir", perm},
      {Op::rmdir, "..", perm},
      {Op::rmdir, "sub/../..", perm},
      {Op::unlink, "../outside/secret", perm},
      {Op::unlink, "../outside/secret/", perm},
      {Op::stat, "../outside/secret", perm},
      {Op::lstat, "../outside/secret", perm},
      {Op::lstat, "..", perm},
      {Op::touch, "../outside/secret", perm},
      {Op::rename_from, "../outside/secret", perm},
      {Op::rename_to, "../outside/stolen", perm},
      {Op::rename_to, "..", perm},
      {Op::link_from, "../outside/secret", perm},
      {Op::link_follow, "../outside/secret", perm},
      {Op::link_to, "../outside/stolen", perm},
      {Op::symlink_at, "../outside/link", perm},
      {Op::readlink, "../inside/up_file", perm},
  });
}

TEST_CASE("links that lead outside are not followed, at the end of a path or on the way") {
  run_all({
      {Op::read, "abs_file", perm},
      {Op::read, "up_file", perm},
      {Op::read, "abs_dir/secret", perm},
      {Op::read, "up_dir/secret", perm},
      {Op::read, "chain2/secret", perm},
      {Op::read, "chain2", perm},
      {Op::read, "zigzag", perm},
      {Op::read, "zigzag2", perm},
      {Op::read, "sub/deep_file", perm},
      {Op::read, "sub/up/outside/secret", perm},
      {Op::read, "dot/dot/dot/up_file", perm},
      {Op::read, "dotdot/outside/secret", perm},
      {Op::read, "slash/etc/passwd", perm},
      {Op::list, "slash", perm},
      {Op::list, "up_dir", perm},
      {Op::list, "up_dir/", perm},
      {Op::list, "dotdot", perm},
      {Op::write, "up_file", perm},
      {Op::truncate, "up_file", perm},
      {Op::create, "up_new", perm},
      {Op::create, "up_dir/new", perm},
      {Op::mkdir, "up_dir/new", perm},
      {Op::mkdir, "up_new", Errno::exist},
      {Op::mkdir, "up_new/", Errno::exist},
      {Op::rmdir, "up_dir/dir", perm},
      {Op::rmdir, "up_dir/", Errno::notdir},
      {Op::unlink, "up_dir/secret", perm},
      {Op::unlink, "up_file/", Errno::notdir},
      {Op::stat, "up_file", perm},
      {Op::stat, "up_dir/", perm},
      {Op::lstat, "up_dir/secret", perm},
      {Op::lstat, "up_dir/", perm},
      {Op::touch, "up_file", perm},
      {Op::touch, "chain2/secret", perm},
      {Op::rename_from, "up_dir/secret", perm},
      {Op::rename_from, "up_dir/", Errno::notdir},
      {Op::rename_to, "up_dir/stolen", perm},
      {Op::link_from, "up_dir/secret", perm},
      {Op::link_follow, "up_file", perm},
      {Op::link_follow, "abs_file", perm},
      {Op::link_follow, "zigzag", perm},
      {Op::link_to, "up_dir/stolen", perm},
      {Op::symlink_at, "up_dir/link", perm},
      {Op::symlink_at, "up_new", Errno::exist},
      {Op::readlink, "up_dir/dir", perm},
      {Op::readlink, "abs_dir/secret", perm},
  });
}

TEST_CASE("the kernel's own links in /proc lead nowhere") {
  run_all({
      {Op::read, "proc_root/etc/passwd", perm},
      {Op::list, "proc_root", perm},
      {Op::list, "proc_cwd", perm},
      {Op::read, "proc_fd", perm},
      {Op::stat, "proc_fd", perm},
      {Op::link_follow, "proc_fd", perm},
  });
  for (const ResolverKind kind : {ResolverKind::automatic, ResolverKind::walk}) {
    ProcessConfig config;  // Even when what it is mounted on is given.
    config.preopens.push_back({"/", "/"});
    config.resolver = kind;
    TestGuest guest(std::move(config));
    guest.run([&] {
      Fd fd = 0;
      for (const char* path :
           {"proc/self/root/etc/passwd", "proc/self/root", "proc/self/cwd", "proc/self/fd/0",
            "proc/self/exe", "proc/thread-self/root/etc", "proc/1/root/etc"}) {
        CAPTURE(path);
        const Errno e = guest.open(kRoot, path, fd);
        CHECK((e == Errno::perm || e == Errno::loop || e == Errno::acces || e == Errno::noent));
      }
    });
  }
}

TEST_CASE("loops and chains that are too long end with ELOOP") {
  run_all({
      {Op::read, "loop_a", Errno::loop},
      {Op::read, "loop_a/secret", Errno::loop},
      {Op::stat, "loop_b", Errno::loop},
      {Op::touch, "loop_a", Errno::loop},
      {Op::mkdir, "loop_a/x", Errno::loop},
      {Op::link_follow, "loop_a", Errno::loop},
      {Op::read, "long49", Errno::loop},
      {Op::link_follow, "long49", Errno::loop},
  });
}

TEST_CASE("names with zeros and other tricks are no way out") {
  run_all({
      {Op::read, std::string_view("../outside/secret\0file", 22), Errno::inval},
      {Op::read, std::string_view("file\0/../../outside/secret", 26), Errno::inval},
      {Op::create, std::string_view("\0", 1), Errno::inval},
      {Op::read, "..\xc0\xaf..\xc0\xafoutside", Errno::ilseq},
      {Op::read, "..\\outside\\secret", Errno::noent},
      {Op::read, "%2e%2e/outside/secret", Errno::noent},
      {Op::read, "...", Errno::noent},
      {Op::read, "~/secret", Errno::noent},
      {Op::symlink_text, "/etc/passwd", perm},
      {Op::symlink_text, "/", perm},
      {Op::symlink_text, "//etc", perm},
  });
}

TEST_CASE("a link that a guest makes itself is no way out either") {
  for (const ResolverKind kind : {ResolverKind::automatic, ResolverKind::walk}) {
    EscapeWorld world(kind);
    TestGuest& guest = *world.guest;
    guest.run([&] {
      CHECK(attempt(guest, Op::symlink_text, "../outside/secret") == Errno::success);
      CHECK(attempt(guest, Op::read, "fresh") == perm);
      CHECK(attempt(guest, Op::truncate, "fresh") == perm);
      CHECK(attempt(guest, Op::create, "fresh") == perm);
      CHECK(attempt(guest, Op::unlink, "fresh") == Errno::success);
    });
    world.check_outside();
  }
}

TEST_CASE("a directory that a guest opened is a root of its own, wherever it is moved") {
  for (const ResolverKind kind : {ResolverKind::automatic, ResolverKind::walk}) {
    EscapeWorld world(kind);
    TestGuest& guest = *world.guest;
    guest.run([&] {
      Fd sub = 0;
      TestGuest::OpenOptions options;
      options.o_flags = oflags::directory;
      options.base = rights::of_directory;
      options.inheriting = rights::all;
      CHECK(guest.open(kRoot, "sub", sub, options) == Errno::success);
      CHECK(attempt(guest, Op::read, "../file", sub) == perm);
      CHECK(attempt(guest, Op::list, "..", sub) == perm);
      CHECK(attempt(guest, Op::list, "up", sub) == perm);
      fs::rename(world.tmp / "inside/sub", world.tmp / "outside/sub");
      CHECK(attempt(guest, Op::read, "../secret", sub) == perm);
      CHECK(attempt(guest, Op::unlink, "../secret", sub) == perm);
      CHECK(attempt(guest, Op::link_from, "../secret", sub) == perm);
      CHECK(attempt(guest, Op::read, "deep/../../secret", sub) == perm);
      CHECK(attempt(guest, Op::list, "deep", sub) == Errno::success);
      fs::rename(world.tmp / "outside/sub", world.tmp / "inside/sub");
    });
  }
}

TEST_CASE("two preopens share what is given and nothing between them") {
  for (const ResolverKind kind : {ResolverKind::automatic, ResolverKind::walk}) {
    EscapeWorld world(kind);
    TestGuest& guest = *world.guest;
    guest.run([&] {
      const auto across = [&](std::string_view call, std::string_view from, std::string_view to) {
        if (call == "path_link") {
          return guest.call(call, {kRoot, 0, guest.path(from), from.size(), kSecond,
                                   guest.path(to, 1), to.size()});
        }
        return guest.call(
            call, {kRoot, guest.path(from), from.size(), kSecond, guest.path(to, 1), to.size()});
      };
      CHECK(attempt(guest, Op::read, "../inside/file", kSecond) == perm);
      CHECK(attempt(guest, Op::read, "../outside/secret", kSecond) == perm);
      CHECK(across("path_link", "../outside/secret", "stolen") == perm);
      CHECK(across("path_rename", "../outside/secret", "stolen") == perm);
      CHECK(across("path_rename", "file", "../outside/stolen") == perm);
      CHECK(across("path_link", "up_dir/secret", "stolen") == perm);
      CHECK(across("path_rename", "up_dir/secret", "stolen") == perm);
      // A relative link that leads outside stays what it is when it is moved or linked.
      CHECK(across("path_link", "up_file", "link") == Errno::success);
      CHECK(attempt(guest, Op::read, "link", kSecond) == perm);
      CHECK(across("path_rename", "up_file", "link2") == Errno::success);
      CHECK(attempt(guest, Op::read, "link2", kSecond) == perm);
      CHECK(across("path_link", "file", "both") == Errno::success);
      CHECK(across("path_rename", "sub", "sub") == Errno::success);
      CHECK(attempt(guest, Op::read, "sub/up/outside/secret", kSecond) == perm);
    });
    world.check_outside();
  }
}
