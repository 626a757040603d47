// SPDX-License-Identifier: Apache-2.0
// The world that escape tests run in: a guest with two directories, and what it must not reach
// beside them.
//
//   <tmp>/outside/secret, outside/dir/    what the guest must not reach
//   <tmp>/inside/...                      its preopen, fd 3, with links planted in it
//   <tmp>/second/...                      another preopen of it, fd 4
#pragma once

#include <doctest/doctest.h>

#include "tests/unit/os/wasip1/guest.h"

namespace weft::wasip1::test {

inline constexpr Fd kSecond = 4;

class EscapeWorld {
 public:
  explicit EscapeWorld(ResolverKind kind) {
    for (const char* name : {"outside/dir", "inside/sub/deep", "second"}) {
      fs::create_directories(tmp / name);
    }
    write_file(tmp / "outside/secret", "secret");
    write_file(tmp / "inside/file", "mine");
    write_file(tmp / "second/file", "mine too");
    const fs::path outside = tmp / "outside";
    const fs::path in = tmp / "inside";
    fs::create_symlink(outside, in / "abs_dir");
    fs::create_symlink(outside / "secret", in / "abs_file");
    fs::create_symlink("../outside", in / "up_dir");
    fs::create_symlink("../outside/secret", in / "up_file");
    fs::create_symlink("../outside/new", in / "up_new");
    fs::create_symlink("../..", in / "sub/up");
    fs::create_symlink("../../outside/secret", in / "sub/deep_file");
    fs::create_symlink("up_dir", in / "chain1");
    fs::create_symlink("chain1", in / "chain2");
    fs::create_symlink("sub/../../outside/secret", in / "zigzag");
    fs::create_symlink("sub/deep/../../../outside/secret", in / "zigzag2");
    fs::create_symlink("loop_b", in / "loop_a");
    fs::create_symlink("loop_a", in / "loop_b");
    fs::create_symlink("/proc/self/root", in / "proc_root");
    fs::create_symlink("/proc/self/cwd", in / "proc_cwd");
    fs::create_symlink("/proc/self/fd/0", in / "proc_fd");
    fs::create_symlink("/", in / "slash");
    fs::create_symlink(".", in / "dot");
    fs::create_symlink("..", in / "dotdot");
    std::string previous = "file";
    for (int i = 0; i < 50; ++i) {
      fs::create_symlink(previous, in / ("long" + std::to_string(i)));
      previous = "long" + std::to_string(i);
    }
    before_ = picture();
    ProcessConfig config;
    config.preopens.push_back({in.string(), "/"});
    config.preopens.push_back({(tmp / "second").string(), "/second"});
    config.resolver = kind;
    guest = std::make_unique<TestGuest>(std::move(config));
  }

  // Everything outside: names, contents, link counts and times.
  [[nodiscard]] std::string picture() const {
    std::string out;
    for (const auto& entry : fs::recursive_directory_iterator(tmp / "outside")) {
      struct stat s = {};
      REQUIRE(::lstat(entry.path().c_str(), &s) == 0);
      out += entry.path().string() + " " + std::to_string(s.st_nlink) + " " +
             std::to_string(s.st_mtim.tv_sec) + "." + std::to_string(s.st_mtim.tv_nsec) + "\n";
    }
    return out + read_file(tmp / "outside/secret");
  }
  void check_outside() const { CHECK(picture() == before_); }

  TempDir tmp;
  std::unique_ptr<TestGuest> guest;

 private:
  std::string before_;
};

enum class Op {
  read,
  write,
  create,
  truncate,
  list,
  mkdir,
  rmdir,
  unlink,
  stat,
  lstat,
  touch,
  rename_from,
  rename_to,
  link_from,
  link_follow,
  link_to,
  symlink_at,
  readlink,
  symlink_text,
};

inline Errno attempt(TestGuest& guest, Op op, std::string_view path, Fd fd = kRoot) {
  const auto p = [&](int which = 0) { return std::uint64_t{guest.path(path, which)}; };
  const std::uint64_t n = path.size();
  const std::uint64_t file = guest.path("file", 1);
  const std::uint64_t fresh = guest.path("fresh", 1);
  Fd out = 0;
  constexpr auto follow = lookupflags::symlink_follow;
  TestGuest::OpenOptions options;
  switch (op) {
    case Op::read:
      return guest.open(fd, path, out);
    case Op::write:
      return guest.open(fd, path, out, TestGuest::for_writing(0));
    case Op::create:
      return guest.open(fd, path, out, TestGuest::for_writing(oflags::creat));
    case Op::truncate:
      return guest.open(fd, path, out, TestGuest::for_writing(oflags::trunc));
    case Op::list:
      options.o_flags = oflags::directory;
      return guest.open(fd, path, out, options);
    case Op::mkdir:
      return guest.call("path_create_directory", {fd, p(), n});
    case Op::rmdir:
      return guest.call("path_remove_directory", {fd, p(), n});
    case Op::unlink:
      return guest.call("path_unlink_file", {fd, p(), n});
    case Op::stat:
      return guest.call("path_filestat_get", {fd, follow, p(), n, 0});
    case Op::lstat:
      return guest.call("path_filestat_get", {fd, 0, p(), n, 0});
    case Op::touch:
      return guest.call("path_filestat_set_times",
                        {fd, follow, p(), n, 1, 1, fstflags::atim | fstflags::mtim});
    case Op::rename_from:
      return guest.call("path_rename", {fd, p(), n, fd, fresh, 5});
    case Op::rename_to:
      return guest.call("path_rename", {fd, file, 4, fd, p(), n});
    case Op::link_from:
      return guest.call("path_link", {fd, 0, p(), n, fd, fresh, 5});
    case Op::link_follow:
      return guest.call("path_link", {fd, follow, p(), n, fd, fresh, 5});
    case Op::link_to:
      return guest.call("path_link", {fd, 0, file, 4, fd, p(), n});
    case Op::symlink_at:
      return guest.call("path_symlink", {file, 4, fd, p(), n});
    case Op::readlink:
      return guest.call("path_readlink", {fd, p(), n, 0, 100, 200});
    case Op::symlink_text:
      return guest.call("path_symlink", {p(), n, fd, fresh, 5});
  }
  return Errno::nosys;
}

struct Attempt {
  Op op;
  std::string_view path;
  Errno expected;
};

inline void run_all(std::initializer_list<Attempt> attempts) {
  for (const ResolverKind kind : {ResolverKind::automatic, ResolverKind::walk}) {
    CAPTURE(static_cast<int>(kind));
    EscapeWorld world(kind);
    world.guest->run([&] {
      for (const Attempt& a : attempts) {
        CAPTURE(static_cast<int>(a.op));
        CAPTURE(std::string(a.path));
        CHECK(attempt(*world.guest, a.op, a.path) == a.expected);
        CHECK_FALSE(fs::exists(world.tmp / "inside/fresh"));
      }
    });
    world.check_outside();
  }
}

}  // namespace weft::wasip1::test
