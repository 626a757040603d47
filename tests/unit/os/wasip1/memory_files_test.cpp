// SPDX-License-Identifier: Apache-2.0
#include "os/wasip1/memory_files.h"

#include <doctest/doctest.h>

#include "tests/unit/os/wasip1/guest.h"
#include "tests/unit/os/wasip1/paths.h"

using namespace weft;
using namespace weft::wasip1;
using namespace weft::wasip1::test;

namespace {

std::shared_ptr<const MemoryFiles> some_files() {
  auto made = MemoryFiles::make({{"greeting", "hello\n"}, {"etc/app/conf", "level=3\n"}});
  REQUIRE(made.ok());
  return *made;
}

ProcessConfig with_files(std::shared_ptr<const MemoryFiles> files) {
  ProcessConfig config;
  config.preopens = {{.guest_path = "/", .files = std::move(files)}};
  return config;
}

std::string why_not(const std::vector<MemoryFile>& files) {
  auto made = MemoryFiles::make(files);
  return made ? "made" : made.error().message;
}

}  // namespace

TEST_CASE("a file in memory is opened by its path, read, sought, and has its size") {
  TestGuest guest(with_files(some_files()));
  guest.run([&] {
    for (const char* path : {"etc/app/conf", "./etc//app/../app/conf"}) {
      Fd fd = 0;
      REQUIRE(guest.open(kRoot, path, fd) == Errno::success);
      guest.put_iovec(0, 100, 50);
      CHECK(guest.call("fd_pread", {fd, 0, 1, 6, 8}) == Errno::success);
      CHECK(guest.u32(8) == 2);
      CHECK(guest.text(100, 2) == "3\n");
      CHECK(guest.call("fd_read", {fd, 0, 1, 8}) == Errno::success);
      CHECK(guest.text(100, guest.u32(8)) == "level=3\n");
      CHECK(guest.call("fd_filestat_get", {fd, 200}) == Errno::success);
      const auto status = guest.value<Filestat>(200);
      CHECK(status.size == 8);
      CHECK(status.filetype == FileType::regular_file);
      const std::string text = path;
      CHECK(guest.call("path_filestat_get", {kRoot, 0, guest.path(text), text.size(), 300}) ==
            Errno::success);
      CHECK(guest.value<Filestat>(300).ino == status.ino);
    }
  });
}

TEST_CASE("a directory in memory is opened, listed, and is not left") {
  TestGuest guest(with_files(some_files()));
  guest.run([&] {
    Fd etc = 0;
    Fd fd = 0;
    TestGuest::OpenOptions directory;
    directory.o_flags = oflags::directory;
    directory.base = rights::of_directory;
    directory.inheriting = rights::all;
    REQUIRE(guest.open(kRoot, "etc", etc, directory) == Errno::success);
    CHECK(guest.call("fd_readdir", {etc, 1000, 500, 0, 8}) == Errno::success);
    CHECK(guest.u32(8) == 3 * sizeof(Dirent) + 1 + 2 + 3);
    const auto dot = guest.value<Dirent>(1000);
    CHECK(guest.call("fd_filestat_get", {etc, 200}) == Errno::success);
    CHECK(guest.value<Filestat>(200).ino == dot.d_ino);
    CHECK(guest.value<Filestat>(200).filetype == FileType::directory);
    CHECK(guest.open(etc, "..", fd) == Errno::perm);
    CHECK(guest.open(etc, "app/../../greeting", fd) == Errno::perm);
    CHECK(guest.open(kRoot, "/greeting", fd) == Errno::perm);
    CHECK(guest.open(etc, "app/conf", fd) == Errno::success);
    CHECK(guest.open(etc, "greeting", fd) == Errno::noent);
    CHECK(guest.open(kRoot, "greeting/x", fd) == Errno::notdir);
    CHECK(guest.open(kRoot, "greeting/", fd) == Errno::notdir);
    CHECK(guest.open(kRoot, "greeting", fd, flags(oflags::directory)) == Errno::notdir);
    guest.put_iovec(0, 100, 50);
    CHECK(guest.call("fd_read", {etc, 0, 1, 8}) != Errno::success);
  });
}

TEST_CASE("nothing can be changed in a directory in memory") {
  TestGuest guest(with_files(some_files()));
  guest.run([&] {
    Fd fd = 0;
    constexpr Rights kWrites = rights::fd_read | rights::fd_write;
    CHECK(guest.open(kRoot, "greeting", fd, flags(0, kWrites)) == Errno::rofs);
    CHECK(guest.open(kRoot, "etc", fd, flags(0, kWrites)) == Errno::isdir);
    CHECK(guest.open(kRoot, "greeting", fd, flags(oflags::trunc)) == Errno::rofs);
    CHECK(guest.open(kRoot, "new", fd, flags(oflags::creat)) == Errno::rofs);
    CHECK(guest.open(kRoot, "greeting", fd, flags(oflags::creat | oflags::excl)) == Errno::exist);
    CHECK(guest.open(kRoot, "greeting", fd, flags(oflags::creat)) == Errno::success);
    CHECK(guest.call("fd_filestat_set_times", {fd, 1, 1, fstflags::mtim}) == Errno::notcapable);
    CHECK(guest.call("fd_filestat_set_times", {kRoot, 1, 1, fstflags::mtim}) == Errno::notcapable);
    const Size name = guest.path("greeting");
    const Size other = guest.path("other", 1);
    CHECK(guest.call("path_create_directory", {kRoot, other, 5}) == Errno::rofs);
    CHECK(guest.call("path_unlink_file", {kRoot, name, 8}) == Errno::rofs);
    CHECK(guest.call("path_remove_directory", {kRoot, name, 3}) == Errno::rofs);
    CHECK(guest.call("path_rename", {kRoot, name, 8, kRoot, other, 5}) == Errno::rofs);
    CHECK(guest.call("path_link", {kRoot, 0, name, 8, kRoot, other, 5}) == Errno::rofs);
    CHECK(guest.call("path_symlink", {name, 8, kRoot, other, 5}) == Errno::rofs);
    CHECK(guest.call("path_filestat_set_times", {kRoot, 0, name, 8, 1, 1, fstflags::mtim}) ==
          Errno::rofs);
    CHECK(guest.call("path_readlink", {kRoot, name, 8, 500, 50, 8}) == Errno::inval);
    CHECK(guest.call("path_readlink", {kRoot, other, 5, 500, 50, 8}) == Errno::noent);
  });
}

TEST_CASE("files in memory live as long as a guest has one open") {
  auto files = some_files();
  TestGuest guest(with_files(std::move(files)));
  guest.run([&] {
    Fd fd = 0;
    REQUIRE(guest.open(kRoot, "greeting", fd) == Errno::success);
    CHECK(guest.call("fd_close", {kRoot}) == Errno::success);
    guest.put_iovec(0, 100, 50);
    CHECK(guest.call("fd_read", {fd, 0, 1, 8}) == Errno::success);
    CHECK(guest.text(100, guest.u32(8)) == "hello\n");
  });
}

TEST_CASE("a path that can't be made in memory is named") {
  for (const char* path : {"", "/a", "a/", "a/../b", "./a", "a\xff"}) {
    CHECK(why_not({{path, ""}}) ==
          "\"" + std::string(path) + "\": not a relative path of names in UTF-8");
  }
  constexpr const char* kThere = ": there is such a file or directory already";
  CHECK(why_not({{"a", ""}, {"a", ""}}) == std::string("a") + kThere);
  CHECK(why_not({{"a", ""}, {"a/b", ""}}) == std::string("a/b") + kThere);
  CHECK(why_not({{"a/b", ""}, {"a", ""}}) == std::string("a") + kThere);
}
