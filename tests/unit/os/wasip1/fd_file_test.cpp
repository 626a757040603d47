// SPDX-License-Identifier: Apache-2.0
// Descriptors themselves, and the files behind them.
#include <doctest/doctest.h>

#include "tests/unit/os/wasip1/guest.h"

using namespace weft;
using namespace weft::wasip1;
using namespace weft::wasip1::test;

TEST_CASE("descriptors are handed out lowest first, and a closed one is free again") {
  TempDir dir;
  write_file(dir / "f", "");
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    Fd a = 0;
    Fd b = 0;
    CHECK(guest.open(kRoot, "f", a) == Errno::success);
    CHECK(guest.open(kRoot, "f", b) == Errno::success);
    CHECK(a == 4);
    CHECK(b == 5);
    CHECK(guest.call("fd_close", {a}) == Errno::success);
    CHECK(guest.call("fd_close", {a}) == Errno::badf);
    CHECK(guest.open(kRoot, "f", a) == Errno::success);
    CHECK(a == 4);
    CHECK(guest.call("fd_close", {0xffff'ffff}) == Errno::badf);
  });
}

TEST_CASE("a guest with all the descriptors it may have gets EMFILE, and nothing is created") {
  TempDir dir;
  auto config = with_directory(dir.path());
  config.budgets.descriptors = 5;
  TestGuest guest(std::move(config));
  guest.run([&] {
    Fd fd = 0;
    CHECK(guest.open(kRoot, "a", fd, TestGuest::for_writing()) == Errno::success);
    CHECK(guest.open(kRoot, "b", fd, TestGuest::for_writing()) == Errno::mfile);
    CHECK_FALSE(fs::exists(dir / "b"));
  });
}

TEST_CASE("renumbering moves a descriptor over another, which is closed, and to no other number") {
  TempDir dir;
  write_file(dir / "a", "aaa");
  write_file(dir / "b", "b");
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    Fd a = 0;
    Fd b = 0;
    CHECK(guest.open(kRoot, "a", a) == Errno::success);
    CHECK(guest.open(kRoot, "b", b) == Errno::success);
    CHECK(guest.call("fd_renumber", {a, b}) == Errno::success);
    std::string text;
    CHECK(guest.read(b, text) == Errno::success);
    CHECK(text == "aaa");
    CHECK(guest.read(a, text) == Errno::badf);
    CHECK(guest.call("fd_renumber", {b, a}) == Errno::badf);
    CHECK(guest.call("fd_renumber", {77, b}) == Errno::badf);
    CHECK(guest.call("fd_renumber", {b, b}) == Errno::success);
    CHECK(guest.call("fd_renumber", {b, 0}) == Errno::success);
    CHECK(guest.call("fd_renumber", {0, kRoot}) == Errno::success);
    CHECK(guest.open(kRoot, "a", a) == Errno::notdir);
  });
}

TEST_CASE(
    "preopens are found from 3 on until EBADF, listeners among them under a tag of their own") {
  TempDir dir;
  auto config = with_directory(dir.path());
  config.preopens.push_back({dir.path().string(), "/other"});
  TestGuest guest(std::move(config));
  guest.run([&] {
    CHECK(guest.call("fd_prestat_get", {3, 0}) == Errno::success);
    CHECK(guest.value<Prestat>(0).tag == PreopenType::dir);
    CHECK(guest.value<Prestat>(0).pr_name_len == 1);
    CHECK(guest.call("fd_prestat_get", {4, 0}) == Errno::success);
    CHECK(guest.value<Prestat>(0).pr_name_len == 6);
    CHECK(guest.text(8, 1) == "?");
    CHECK(guest.call("fd_prestat_get", {5, 0}) == Errno::badf);
    CHECK(guest.call("fd_prestat_get", {0, 0}) == Errno::badf);
    CHECK(guest.call("fd_prestat_dir_name", {4, 100, 6}) == Errno::success);
    CHECK(guest.text(99, 8) == "?/other?");
    CHECK(guest.call("fd_prestat_dir_name", {4, 200, 10}) == Errno::success);
    CHECK(guest.text(200, 7) == "/other?");
    CHECK(guest.call("fd_prestat_dir_name", {4, 300, 5}) == Errno::nametoolong);
    CHECK(guest.text(300, 1) == "?");
    CHECK(guest.call("fd_prestat_dir_name", {4, TestGuest::kMemory - 5, 6}) == Errno::fault);
    CHECK(guest.call("fd_prestat_dir_name", {1, 0, 9}) == Errno::badf);
  });
}

TEST_CASE("rights can be given up and never taken back, and what lacks one is ENOTCAPABLE") {
  TempDir dir;
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    Fd fd = 0;
    CHECK(guest.open(kRoot, "f", fd, TestGuest::for_writing()) == Errno::success);
    CHECK(guest.call("fd_fdstat_get", {fd, 0}) == Errno::success);
    const auto stat = guest.value<Fdstat>(0);
    CHECK(stat.fs_rights_base == rights::of_file);
    CHECK(guest.call("fd_fdstat_set_rights", {fd, rights::fd_seek, 0}) == Errno::success);
    CHECK(guest.call("fd_fdstat_set_rights", {fd, rights::of_file, 0}) == Errno::notcapable);
    CHECK(guest.call("fd_fdstat_set_rights", {fd, 0, rights::fd_read}) == Errno::notcapable);
    std::string text;
    CHECK(guest.write(fd, "x") == Errno::notcapable);
    CHECK(guest.read(fd, text) == Errno::notcapable);
    CHECK(guest.call("fd_tell", {fd, 0}) == Errno::success);  // fd_seek implies fd_tell.
    CHECK(guest.call("fd_filestat_get", {fd, 0}) == Errno::notcapable);
    CHECK(guest.call("fd_filestat_set_size", {fd, 1}) == Errno::notcapable);
    CHECK(guest.call("fd_filestat_set_times", {fd, 0, 0, 0}) == Errno::notcapable);
    CHECK(guest.call("fd_allocate", {fd, 0, 1}) == Errno::notcapable);
    CHECK(guest.call("fd_advise", {fd, 0, 1, 0}) == Errno::notcapable);
    CHECK(guest.call("fd_sync", {fd}) == Errno::notcapable);
    CHECK(guest.call("fd_datasync", {fd}) == Errno::notcapable);
    CHECK(guest.call("fd_fdstat_set_flags", {fd, 0}) == Errno::notcapable);
  });
}

TEST_CASE("each path function needs its own right on the directory") {
  TempDir dir;
  write_file(dir / "f", "");
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    CHECK(guest.call("fd_fdstat_set_rights", {kRoot, 0, 0}) == Errno::success);
    const Size f = guest.path("f");
    const Size g = guest.path("g", 1);
    Fd fd = 0;
    CHECK(guest.open(kRoot, "f", fd) == Errno::notcapable);
    CHECK(guest.call("path_create_directory", {kRoot, g, 1}) == Errno::notcapable);
    CHECK(guest.call("path_remove_directory", {kRoot, g, 1}) == Errno::notcapable);
    CHECK(guest.call("path_unlink_file", {kRoot, f, 1}) == Errno::notcapable);
    CHECK(guest.call("path_filestat_get", {kRoot, 0, f, 1, 0}) == Errno::notcapable);
    CHECK(guest.call("path_filestat_set_times", {kRoot, 0, f, 1, 0, 0, 0}) == Errno::notcapable);
    CHECK(guest.call("path_link", {kRoot, 0, f, 1, kRoot, g, 1}) == Errno::notcapable);
    CHECK(guest.call("path_rename", {kRoot, f, 1, kRoot, g, 1}) == Errno::notcapable);
    CHECK(guest.call("path_symlink", {f, 1, kRoot, g, 1}) == Errno::notcapable);
    CHECK(guest.call("path_readlink", {kRoot, f, 1, 0, 9, 64}) == Errno::notcapable);
    CHECK(guest.call("fd_readdir", {kRoot, 0, 100, 0, 200}) == Errno::notcapable);
  });
  CHECK(fs::exists(dir / "f"));
}

TEST_CASE("the attributes of a file have 64 bytes, in wasi_unstable 56") {
  TempDir dir;
  write_file(dir / "f", "12345");
  fs::create_hard_link(dir / "f", dir / "g");
  struct stat host = {};
  REQUIRE(::stat((dir / "f").c_str(), &host) == 0);
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    Fd fd = 0;
    CHECK(guest.open(kRoot, "f", fd) == Errno::success);
    CHECK(guest.call("fd_filestat_get", {fd, 8}) == Errno::success);
    const auto stat = guest.value<Filestat>(8);
    CHECK(stat.ino == host.st_ino);
    CHECK(stat.dev == host.st_dev);
    CHECK(stat.filetype == FileType::regular_file);
    CHECK(stat.nlink == 2);
    CHECK(stat.size == 5);
    CHECK(stat.mtim / 1'000'000'000 == static_cast<Timestamp>(host.st_mtim.tv_sec));
    CHECK(guest.text(7, 1) == "?");
    CHECK(guest.text(72, 1) == "?");
    CHECK(guest.call("fd_filestat_get", {fd, 100}, "wasi_unstable") == Errno::success);
    const auto old = guest.value<unstable::Filestat>(100);
    CHECK(old.nlink == 2);
    CHECK(old.size == 5);
    CHECK(old.ctim == stat.ctim);
    CHECK(guest.text(156, 1) == "?");
    CHECK(guest.call("fd_filestat_get", {fd, TestGuest::kMemory - 63}) == Errno::fault);
    CHECK(guest.call("fd_filestat_get", {kRoot, 8}) == Errno::success);
    CHECK(guest.value<Filestat>(8).filetype == FileType::directory);
    const Size f = guest.path("f");
    CHECK(guest.call("path_filestat_get", {kRoot, 0, f, 1, 200}, "wasi_unstable") ==
          Errno::success);
    CHECK(guest.value<unstable::Filestat>(200).size == 5);
    CHECK(guest.call("path_filestat_get", {kRoot, 0, f, 1, TestGuest::kMemory - 56},
                     "wasi_unstable") == Errno::success);
    CHECK(guest.call("path_filestat_get", {kRoot, 0, f, 1, TestGuest::kMemory - 56}) ==
          Errno::fault);
  });
}

TEST_CASE("a file's size and times can be set, and its place on the disk taken") {
  TempDir dir;
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    Fd fd = 0;
    CHECK(guest.open(kRoot, "f", fd, TestGuest::for_writing()) == Errno::success);
    CHECK(guest.call("fd_filestat_set_size", {fd, 100}) == Errno::success);
    CHECK(fs::file_size(dir / "f") == 100);
    CHECK(guest.call("fd_filestat_set_size", {fd, ~0ull}) == Errno::inval);
    CHECK(guest.call("fd_filestat_set_times", {fd, 5'000'000'007, 9'000'000'001,
                                               fstflags::atim | fstflags::mtim}) == Errno::success);
    CHECK(guest.call("fd_filestat_get", {fd, 0}) == Errno::success);
    CHECK(guest.value<Filestat>(0).atim == 5'000'000'007);
    CHECK(guest.value<Filestat>(0).mtim == 9'000'000'001);
    CHECK(guest.call("fd_filestat_set_times", {fd, 1, 2, fstflags::mtim_now}) == Errno::success);
    CHECK(guest.call("fd_filestat_get", {fd, 0}) == Errno::success);
    CHECK(guest.value<Filestat>(0).atim == 5'000'000'007);
    CHECK(guest.value<Filestat>(0).mtim > 1'000'000'000'000'000'000);
    for (const std::uint64_t bad : {3, 12, 15, 16}) {
      CHECK(guest.call("fd_filestat_set_times", {fd, 1, 2, bad}) == Errno::inval);
    }
    const Errno allocated = guest.call("fd_allocate", {fd, 90, 20});
    if (allocated != Errno::notsup) {
      CHECK(allocated == Errno::success);
      CHECK(fs::file_size(dir / "f") == 110);
    }
    CHECK(guest.call("fd_allocate", {fd, 0, 0}) == Errno::inval);
    CHECK(guest.call("fd_allocate", {fd, 1ull << 62, 1ull << 62}) == Errno::inval);
    CHECK(guest.call("fd_allocate", {kRoot, 0, 1}) == Errno::badf);
    CHECK(guest.call("fd_filestat_set_size", {kRoot, 1}) == Errno::badf);
    for (std::uint64_t advice = 0; advice < 6; ++advice) {
      CHECK(guest.call("fd_advise", {fd, 0, 10, advice}) == Errno::success);
    }
    CHECK(guest.call("fd_advise", {fd, 0, 10, 6}) == Errno::inval);
    CHECK(guest.call("fd_advise", {fd, 1ull << 63, 10, 0}) == Errno::inval);
    CHECK(guest.call("fd_sync", {fd}) == Errno::success);
    CHECK(guest.call("fd_datasync", {fd}) == Errno::success);
    CHECK(guest.call("fd_sync", {kRoot}) == Errno::success);
  });
}

TEST_CASE("what is opened only for reading gets no right that needs writing") {
  TempDir dir;
  write_file(dir / "f", "12345");
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    Fd fd = 0;
    TestGuest::OpenOptions options;
    options.base = rights::of_file & ~rights::fd_write;
    CHECK(guest.open(kRoot, "f", fd, options) == Errno::success);
    CHECK(guest.call("fd_filestat_set_size", {fd, 1}) == Errno::notcapable);
    CHECK(guest.call("fd_allocate", {fd, 0, 10}) == Errno::notcapable);
  });
  CHECK(read_file(dir / "f") == "12345");
}
