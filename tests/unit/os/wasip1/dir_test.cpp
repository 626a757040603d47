// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <set>

#include "tests/unit/os/wasip1/guest.h"

using namespace weft;
using namespace weft::wasip1;
using namespace weft::wasip1::test;

namespace {

struct Listed {
  Dirent header;
  std::string name;
};

// One call with a buffer of `room` bytes at 1000; the entries that are whole.
std::vector<Listed> list(TestGuest& guest, Fd fd, Size room, DirCookie cookie, Size& used) {
  REQUIRE(guest.call("fd_readdir", {fd, 1000, room, cookie, 8}) == Errno::success);
  used = guest.u32(8);
  std::vector<Listed> out;
  Size at = 0;
  while (at + sizeof(Dirent) <= used) {
    const auto header = guest.value<Dirent>(1000 + at);
    if (at + sizeof(Dirent) + header.d_namlen > used) break;
    out.push_back({header, guest.text(1000 + at + Size{sizeof(Dirent)}, header.d_namlen)});
    at += Size{sizeof(Dirent)} + header.d_namlen;
  }
  return out;
}

}  // namespace

TEST_CASE("a listing has . and .. first, then the others by name, with inode and type") {
  TempDir dir;
  write_file(dir / "b", "");
  fs::create_directory(dir / "a");
  fs::create_symlink("x", dir / "c");
  struct stat root = {};
  struct stat b = {};
  REQUIRE(::stat(dir.path().c_str(), &root) == 0);
  REQUIRE(::stat((dir / "b").c_str(), &b) == 0);
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    Size used = 0;
    const auto all = list(guest, kRoot, 4096, 0, used);
    REQUIRE(all.size() == 5);
    CHECK(used < 4096);
    CHECK(guest.text(1000 + used, 1) == "?");
    CHECK(all[0].name == ".");
    CHECK(all[1].name == "..");
    CHECK(all[2].name == "a");
    CHECK(all[3].name == "b");
    CHECK(all[4].name == "c");
    CHECK(all[0].header.d_ino == root.st_ino);
    CHECK(all[1].header.d_ino == root.st_ino);  // Nothing of what is above.
    CHECK(all[3].header.d_ino == b.st_ino);
    CHECK(all[2].header.d_type == FileType::directory);
    CHECK(all[3].header.d_type == FileType::regular_file);
    CHECK(all[4].header.d_type == FileType::symbolic_link);
  });
}

TEST_CASE("a small buffer is filled to its last byte and the cookies lead through everything") {
  TempDir dir;
  for (int i = 0; i < 300; ++i) write_file(dir / ("file." + std::to_string(i)), "");
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    for (const Size room : {60u, 64u, 100u, 257u}) {
      std::set<std::string> names;
      DirCookie cookie = 0;
      for (;;) {
        Size used = 0;
        const auto some = list(guest, kRoot, room, cookie, used);
        for (const Listed& entry : some) CHECK(names.insert(entry.name).second);
        CHECK(guest.text(1000 + room, 1) == "?");
        if (used < room) break;
        REQUIRE(!some.empty());
        cookie = some.back().header.d_next;
      }
      CHECK(names.size() == 302);
    }
  });
}

TEST_CASE("cookies stay valid while files come and go, and cookie 0 reads the directory again") {
  TempDir dir;
  for (const char* name : {"a", "b", "c"}) write_file(dir / name, "");
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    Size used = 0;
    const auto first = list(guest, kRoot, 4096, 0, used);
    fs::remove(dir / "a");
    fs::remove(dir / "b");
    write_file(dir / "aa", "");
    const auto rest = list(guest, kRoot, 4096, first[2].header.d_next, used);
    REQUIRE(rest.size() == 2);
    CHECK(rest[0].name == "b");
    CHECK(rest[1].name == "c");
    const auto again = list(guest, kRoot, 4096, 0, used);
    REQUIRE(again.size() == 4);
    CHECK(again[2].name == "aa");
    CHECK(list(guest, kRoot, 4096, 4, used).empty());
    CHECK(used == 0);
    CHECK(guest.call("fd_readdir", {kRoot, 1000, 100, 5, 8}) == Errno::inval);
    CHECK(guest.call("fd_readdir", {kRoot, 1000, 100, ~0ull, 8}) == Errno::inval);
  });
}

TEST_CASE("names that are not UTF-8 are shown as they are") {
  TempDir dir;
  write_file(dir / "\xff\xfe", "");
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    Size used = 0;
    const auto all = list(guest, kRoot, 4096, 0, used);
    REQUIRE(all.size() == 3);
    CHECK(all[2].name == "\xff\xfe");
  });
}

TEST_CASE("fd_readdir of a file that is not a directory, and to bad addresses") {
  TempDir dir;
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    CHECK(guest.call("fd_readdir", {0, 0, 100, 0, 200}) == Errno::notdir);
    CHECK(guest.call("fd_readdir", {9, 0, 100, 0, 200}) == Errno::badf);
    CHECK(guest.call("fd_readdir", {kRoot, TestGuest::kMemory - 99, 100, 0, 200}) == Errno::fault);
    CHECK(guest.call("fd_readdir", {kRoot, 0, 100, 0, TestGuest::kMemory - 3}) == Errno::fault);
    CHECK(guest.call("fd_readdir", {kRoot, 0, 0, 0, 200}) == Errno::success);
    CHECK(guest.u32(200) == 0);
  });
}
