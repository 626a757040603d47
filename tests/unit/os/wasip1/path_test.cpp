// SPDX-License-Identifier: Apache-2.0
// Opening, making, removing, listing and linking, by path.
#include <doctest/doctest.h>

#include <set>

#include "tests/unit/os/wasip1/paths.h"

using namespace weft;
using namespace weft::wasip1;
using namespace weft::wasip1::test;

namespace {

struct Names {
  TestGuest& guest;
  Errno one(std::string_view call, std::string_view path) {
    return guest.call(call, {kRoot, guest.path(path), path.size()});
  }
  Errno rename(std::string_view from, std::string_view to) {
    return guest.call("path_rename",
                      {kRoot, guest.path(from), from.size(), kRoot, guest.path(to, 1), to.size()});
  }
  Errno link(std::string_view from, std::string_view to, std::uint32_t flags = 0) {
    return guest.call("path_link", {kRoot, flags, guest.path(from), from.size(), kRoot,
                                    guest.path(to, 1), to.size()});
  }
  Errno symlink(std::string_view text, std::string_view at) {
    return guest.call("path_symlink",
                      {guest.path(text), text.size(), kRoot, guest.path(at, 1), at.size()});
  }
  Errno readlink(std::string_view path, Size room, std::string& out) {
    const Errno e =
        guest.call("path_readlink", {kRoot, guest.path(path), path.size(), 0, room, 2048});
    out = e == Errno::success ? guest.text(0, guest.u32(2048)) : "";
    return e;
  }
  Errno stat(std::string_view path, std::uint32_t flags, Filestat& out) {
    const Errno e =
        guest.call("path_filestat_get", {kRoot, flags, guest.path(path), path.size(), 0});
    if (e == Errno::success) out = guest.value<Filestat>(0);
    return e;
  }
};

}  // namespace

TEST_CASE("every combination of creat, excl, trunc and directory does what it does under POSIX") {
  with_both_resolvers([](TestGuest& guest, TempDir& dir) {
    Fd fd = 0;
    write_file(dir / "file", "text");
    fs::create_directory(dir / "dir");
    using oflags::creat, oflags::directory, oflags::excl, oflags::trunc;
    CHECK(guest.open(kRoot, "none", fd, flags(0)) == Errno::noent);
    CHECK(guest.open(kRoot, "new", fd, flags(creat | excl)) == Errno::success);
    CHECK(guest.open(kRoot, "new", fd, flags(creat | excl)) == Errno::exist);
    CHECK(guest.open(kRoot, "dir", fd, flags(creat | excl)) == Errno::exist);
    CHECK(guest.open(kRoot, "new", fd, flags(creat)) == Errno::success);
    CHECK(guest.open(kRoot, "file", fd, flags(directory)) == Errno::notdir);
    CHECK(guest.open(kRoot, "dir", fd, flags(directory)) == Errno::success);
    CHECK(guest.open(kRoot, "dir", fd, flags(0)) == Errno::success);
    CHECK(guest.open(kRoot, "dir", fd, flags(creat)) == Errno::isdir);
    CHECK(guest.open(kRoot, "dir", fd, flags(creat | directory)) == Errno::inval);
    CHECK(guest.open(kRoot, "dir", fd, flags(directory, rights::fd_read | rights::fd_write)) ==
          Errno::isdir);
    CHECK(guest.open(kRoot, "dir", fd, flags(trunc)) == Errno::isdir);
    CHECK(guest.open(kRoot, "file", fd, flags(16)) == Errno::inval);
    CHECK(guest.open(kRoot, "file", fd, flags(0, rights::fd_read, 2)) == Errno::inval);
    CHECK(guest.open(kRoot, "file", fd, flags(excl)) == Errno::success);
    CHECK(read_file(dir / "file") == "text");
    CHECK(guest.open(kRoot, "file", fd, flags(trunc, 0)) == Errno::success);
    CHECK(read_file(dir / "file").empty());
    CHECK(guest.open(kRoot, "made/", fd, flags(creat)) == Errno::isdir);
    CHECK_FALSE(fs::exists(dir / "made"));
  });
}

TEST_CASE("no descriptor of a guest leaks to children") {
  const auto host_fds = [] {
    std::set<int> out;
    for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
      out.insert(std::stoi(entry.path().filename().string()));
    }
    return out;
  };
  const std::set<int> before = host_fds();
  with_both_resolvers([&](TestGuest& guest, TempDir&) {
    Fd fd = 0;
    CHECK(guest.open(kRoot, "f", fd, TestGuest::for_writing()) == Errno::success);
    CHECK(guest.write(fd, "text") == Errno::success);
    for (const int host : host_fds()) {
      const int flags = ::fcntl(host, F_GETFD);
      if (before.count(host) == 0 && flags >= 0) CHECK((flags & FD_CLOEXEC) != 0);
    }
  });
}

TEST_CASE("a path may go down and up again as long as it stays inside") {
  with_both_resolvers([](TestGuest& guest, TempDir& dir) {
    fs::create_directories(dir / "dir/nested");
    write_file(dir / "dir/nested/file", "deep");
    Fd fd = 0;
    for (const char* path : {"dir/nested/file", "dir/.//nested/../../dir/nested/../nested///./file",
                             "./dir/nested/file"}) {
      CHECK(guest.open(kRoot, path, fd) == Errno::success);
      std::string text;
      CHECK(guest.read(fd, text) == Errno::success);
      CHECK(text == "deep");
    }
    CHECK(guest.open(kRoot, "dir/nested/file/", fd) == Errno::notdir);
    CHECK(guest.open(kRoot, "dir/nested/file///", fd) == Errno::notdir);
    CHECK(guest.open(kRoot, "dir/nested/file/x", fd) == Errno::notdir);
    CHECK(guest.open(kRoot, "dir/nested///", fd) == Errno::success);
    CHECK(guest.open(kRoot, ".", fd) == Errno::success);
    CHECK(guest.open(kRoot, "dir/..", fd) == Errno::success);
  });
}

TEST_CASE("links are followed when asked for, and are ELOOP when not") {
  with_both_resolvers([](TestGuest& guest, TempDir& dir) {
    write_file(dir / "file", "text");
    fs::create_directory(dir / "dir");
    write_file(dir / "dir/inner", "inner");
    fs::create_symlink("file", dir / "link");
    fs::create_symlink("../link", dir / "dir/up");
    fs::create_symlink("dir", dir / "dirlink");
    fs::create_symlink("nothing", dir / "dangling");
    fs::create_symlink("self", dir / "self");
    Fd fd = 0;
    constexpr auto follow = lookupflags::symlink_follow;
    const Rights r = rights::fd_read;
    std::string text;
    CHECK(guest.open(kRoot, "link", fd, flags(0, r, follow)) == Errno::success);
    CHECK(guest.read(fd, text) == Errno::success);
    CHECK(text == "text");
    CHECK(guest.open(kRoot, "dir/up", fd, flags(0, r, follow)) == Errno::success);
    CHECK(guest.open(kRoot, "dirlink/inner", fd, flags(0)) == Errno::success);
    CHECK(guest.open(kRoot, "dirlink/up", fd, flags(0, r, follow)) == Errno::success);
    CHECK(guest.open(kRoot, "dirlink/../file", fd, flags(0)) == Errno::success);
    CHECK(guest.open(kRoot, "link", fd, flags(0)) == Errno::loop);
    CHECK(guest.open(kRoot, "dangling", fd, flags(0)) == Errno::loop);
    CHECK(guest.open(kRoot, "dangling", fd, flags(0, r, follow)) == Errno::noent);
    CHECK(guest.open(kRoot, "self", fd, flags(0, r, follow)) == Errno::loop);
    CHECK(guest.open(kRoot, "self/x", fd, flags(0)) == Errno::loop);
    CHECK(guest.open(kRoot, "dirlink", fd, flags(oflags::directory, r, follow)) == Errno::success);
    CHECK(guest.open(kRoot, "link", fd, flags(oflags::directory, r, follow)) == Errno::notdir);
    const Errno e = guest.open(kRoot, "dirlink", fd, flags(oflags::directory));
    CHECK((e == Errno::loop || e == Errno::notdir));
    CHECK(guest.open(kRoot, "dangling", fd, flags(oflags::creat, r, follow)) == Errno::success);
    CHECK(fs::exists(dir / "nothing"));
    CHECK(guest.open(kRoot, "link", fd, flags(oflags::creat | oflags::excl, r, follow)) ==
          Errno::exist);
  });
}

TEST_CASE("paths that are no paths are refused before the host sees them") {
  with_both_resolvers([](TestGuest& guest, TempDir& dir) {
    Fd fd = 0;
    const auto creat = flags(oflags::creat);
    CHECK(guest.open(kRoot, "", fd, creat) == Errno::noent);
    CHECK(guest.open(kRoot, std::string_view("a\0b", 3), fd, creat) == Errno::inval);
    CHECK(guest.open(kRoot, std::string_view("a\0", 2), fd, creat) == Errno::inval);
    CHECK(guest.open(kRoot, "\xff", fd, creat) == Errno::ilseq);
    CHECK(guest.open(kRoot, "\xc0\xaf", fd, creat) == Errno::ilseq);      // An overlong slash.
    CHECK(guest.open(kRoot, "\xed\xa0\x80", fd, creat) == Errno::ilseq);  // Half a surrogate pair.
    CHECK(guest.open(kRoot, std::string(4096, 'a'), fd, creat) == Errno::nametoolong);
    CHECK(guest.open(kRoot, std::string(300, 'a'), fd, creat) == Errno::nametoolong);
    CHECK(guest.open(kRoot, "gr\xc3\xbc\xc3\x9f", fd, creat) == Errno::success);
    CHECK(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 1);
    CHECK(guest.call("path_open", {kRoot, 0, TestGuest::kMemory - 1, 2, 0, 0, 0, 0, 0}) ==
          Errno::fault);
    CHECK(guest.call("path_open", {kRoot, 0, guest.path("new"), 3, oflags::creat, 0, 0, 0,
                                   TestGuest::kMemory - 3}) == Errno::fault);
    CHECK_FALSE(fs::exists(dir / "new"));
    CHECK(guest.open(99, "x", fd) == Errno::badf);
    CHECK(guest.open(0, "x", fd) == Errno::notdir);
  });
}

TEST_CASE("/proc/self/mem can't be opened: a file that shows the host's processes is EPERM") {
  for (const ResolverKind kind : {ResolverKind::automatic, ResolverKind::walk}) {
    ProcessConfig config = with_directory("/");
    config.resolver = kind;
    TestGuest guest(std::move(config));
    guest.run([&] {
      Fd fd = 0;
      for (const char* name : {"proc/self/mem", "proc/self/maps", "proc/self/environ", "proc",
                               "proc/self", "proc/cpuinfo", "proc/self/../self/mem"}) {
        CAPTURE(name);
        CHECK(guest.open(kRoot, name, fd, flags(0, rights::fd_read, 1)) == Errno::perm);
      }
      // Links of the kernel, which nobody follows: ELOOP, or EPERM for their text.
      for (const char* name : {"proc/self/fd/0", "proc/self/root/etc", "proc/self/exe"}) {
        CAPTURE(name);
        const Errno e = guest.open(kRoot, name, fd, flags(0, rights::fd_read, 1));
        CHECK((e == Errno::perm || e == Errno::loop || e == Errno::noent));
      }
      CHECK(guest.open(kRoot, "proc/self/mem", fd, flags(0, rights::of_file)) == Errno::perm);
      const std::string_view link = "proc/self/exe";
      CHECK(guest.call("path_readlink", {kRoot, guest.path(link), link.size(), 0, 100, 2048}) ==
            Errno::perm);
      CHECK(guest.call("path_filestat_get", {kRoot, 0, guest.path(link), link.size(), 0}) ==
            Errno::perm);
      CHECK(guest.open(kRoot, "proc/../etc/hostname", fd) == Errno::success);  // Past it.
      CHECK(guest.open(kRoot, "dev/null", fd) == Errno::success);
    });
  }
}

TEST_CASE("procfs can't be given to a guest, wherever it is mounted; the error names it") {
  Reactor reactor;
  SystemClock clock;
  for (const char* path : {"/proc", "/proc/self", "/proc/self/task"}) {
    const auto made = Process::create(reactor, clock, with_directory(path));
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().message == std::string(path) +
                                      ": shows or steers the processes of the host, "
                                      "weft's own too; no guest can have it");
  }
}

TEST_CASE("directories are made and removed, with or without slashes after them") {
  with_both_resolvers([](TestGuest& guest, TempDir& dir) {
    Names names{guest};
    const auto make = [&](std::string_view p) { return names.one("path_create_directory", p); };
    const auto remove = [&](std::string_view p) { return names.one("path_remove_directory", p); };
    CHECK(make("a") == Errno::success);
    CHECK(make("a/b///") == Errno::success);
    CHECK(make("a") == Errno::exist);
    CHECK(make("x/y") == Errno::noent);
    for (const char* there : {".", "./", "a/..", "a/."}) CHECK(make(there) == Errno::exist);
    CHECK(remove("a") == Errno::notempty);
    CHECK(remove("a/b/") == Errno::success);
    CHECK(remove(".") == Errno::inval);
    CHECK(remove("a/..") == Errno::notempty);
    CHECK(remove("none") == Errno::noent);
    write_file(dir / "file", "");
    fs::create_symlink("a", dir / "link");
    CHECK(remove("file") == Errno::notdir);
    CHECK(remove("file/") == Errno::notdir);
    CHECK(remove("link") == Errno::notdir);
    CHECK(remove("link/") == Errno::notdir);
    CHECK(make("file/x") == Errno::notdir);
    CHECK(remove("a") == Errno::success);
    CHECK_FALSE(fs::exists(dir / "a"));
  });
}

TEST_CASE("unlinking removes files and links, never directories") {
  with_both_resolvers([](TestGuest& guest, TempDir& dir) {
    Names names{guest};
    const auto unlink = [&](std::string_view p) { return names.one("path_unlink_file", p); };
    write_file(dir / "file", "");
    fs::create_directory(dir / "dir");
    fs::create_symlink("dir", dir / "link");
    CHECK(unlink("dir") == Errno::isdir);
    CHECK(unlink("dir/") == Errno::isdir);
    CHECK(unlink(".") == Errno::isdir);
    CHECK(unlink("dir/..") == Errno::isdir);
    CHECK(unlink("file/") == Errno::notdir);
    CHECK(unlink("link/") == Errno::notdir);
    CHECK(unlink("none") == Errno::noent);
    CHECK(unlink("none/") == Errno::noent);
    CHECK(unlink("link") == Errno::success);
    CHECK(unlink("file") == Errno::success);
    CHECK(fs::exists(dir / "dir"));
    CHECK(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 1);
  });
}

TEST_CASE("renaming replaces what POSIX lets it replace") {
  with_both_resolvers([](TestGuest& guest, TempDir& dir) {
    Names names{guest};
    write_file(dir / "file", "1");
    write_file(dir / "other", "2");
    fs::create_directories(dir / "dir/full");
    fs::create_directory(dir / "empty");
    CHECK(names.rename("file", "other") == Errno::success);
    CHECK(read_file(dir / "other") == "1");
    CHECK(names.rename("other", "empty") == Errno::isdir);
    CHECK(names.rename("dir", "other") == Errno::notdir);
    CHECK(names.rename("empty", "dir") == Errno::notempty);
    CHECK(names.rename("dir", "dir/full/x") == Errno::inval);
    CHECK(names.rename("none", "x") == Errno::noent);
    CHECK(names.rename(".", "x") == Errno::busy);
    CHECK(names.rename("other", "dir/..") == Errno::busy);
    CHECK(names.rename("other/", "x") == Errno::notdir);
    CHECK(names.rename("other", "x/") == Errno::notdir);
    CHECK(names.rename("dir/", "moved/") == Errno::success);
    CHECK(names.rename("moved", "empty/") == Errno::success);
    CHECK(fs::exists(dir / "empty/full"));
  });
}

TEST_CASE("hard links give one more name, to a link itself or to what it leads to") {
  with_both_resolvers([](TestGuest& guest, TempDir& dir) {
    Names names{guest};
    write_file(dir / "file", "1");
    fs::create_directory(dir / "dir");
    fs::create_symlink("../file", dir / "dir/link");
    fs::create_symlink("dir/link", dir / "chain");
    fs::create_symlink("loop", dir / "loop");
    fs::create_symlink("nothing", dir / "dangling");
    constexpr auto follow = lookupflags::symlink_follow;
    CHECK(names.link("file", "a") == Errno::success);
    CHECK(fs::equivalent(dir / "a", dir / "file"));
    CHECK(names.link("file", "a") == Errno::exist);
    CHECK(names.link("file", "file") == Errno::exist);
    CHECK(names.link("file", "dangling") == Errno::exist);
    CHECK(names.link("dir", "b") == Errno::perm);
    CHECK(names.link(".", "b") == Errno::perm);
    CHECK(names.link("dir/", "b") == Errno::perm);
    CHECK(names.link("file/", "b") == Errno::notdir);
    CHECK(names.link("file", "b/") == Errno::noent);
    CHECK(names.link("file", "dir/") == Errno::exist);
    CHECK(names.link("none", "b") == Errno::noent);
    CHECK(names.link("dangling", "c") == Errno::success);
    CHECK(fs::is_symlink(dir / "c"));
    CHECK(names.link("chain", "d", follow) == Errno::success);
    CHECK(fs::equivalent(dir / "d", dir / "file"));
    CHECK_FALSE(fs::is_symlink(dir / "d"));
    CHECK(names.link("dangling", "e", follow) == Errno::noent);
    CHECK(names.link("loop", "e", follow) == Errno::loop);
    CHECK(names.link("loop", "e") == Errno::success);
    CHECK(names.link("file", "f", 2) == Errno::inval);
  });
}

TEST_CASE("symbolic links are made and read; a small buffer gets the beginning") {
  with_both_resolvers([](TestGuest& guest, TempDir& dir) {
    Names names{guest};
    std::string text;
    CHECK(names.symlink("some/where", "link") == Errno::success);
    CHECK(names.readlink("link", 100, text) == Errno::success);
    CHECK(text == "some/where");
    CHECK(guest.text(10, 1) == "?");
    CHECK(names.readlink("link", 4, text) == Errno::success);
    CHECK(text == "some");
    CHECK(names.readlink("link", 0, text) == Errno::success);
    CHECK(names.symlink("x", "link") == Errno::exist);
    CHECK(names.symlink("x", "new/") == Errno::noent);
    fs::create_directory(dir / "dir");
    write_file(dir / "file", "");
    CHECK(names.symlink("x", "dir/") == Errno::exist);
    CHECK(names.symlink("x", "file/") == Errno::notdir);
    CHECK(names.symlink("x", ".") == Errno::exist);
    CHECK(names.symlink("", "new") == Errno::noent);
    CHECK(names.readlink("file", 9, text) == Errno::inval);
    CHECK(names.readlink("dir", 9, text) == Errno::inval);
    CHECK(names.readlink("link/", 9, text) == Errno::notdir);
    CHECK(names.readlink(".", 9, text) == Errno::inval);
    CHECK(names.readlink("none", 9, text) == Errno::noent);
  });
}

TEST_CASE("attributes are those of a link or of what it leads to, as asked for") {
  with_both_resolvers([](TestGuest& guest, TempDir& dir) {
    Names names{guest};
    write_file(dir / "file", "123");
    fs::create_symlink("file", dir / "link");
    Filestat stat{};
    CHECK(names.stat("link", 0, stat) == Errno::success);
    CHECK(stat.filetype == FileType::symbolic_link);
    CHECK(stat.size == 4);
    CHECK(names.stat("link", lookupflags::symlink_follow, stat) == Errno::success);
    CHECK(stat.filetype == FileType::regular_file);
    CHECK(stat.size == 3);
    CHECK(names.stat(".", 0, stat) == Errno::success);
    CHECK(stat.filetype == FileType::directory);
    CHECK(names.stat("file/", 0, stat) == Errno::notdir);
    CHECK(names.stat("file", 4, stat) == Errno::inval);
    const auto set = [&](std::uint32_t follow, Timestamp mtim) {
      return guest.call("path_filestat_set_times",
                        {kRoot, follow, guest.path("link"), 4, 0, mtim, fstflags::mtim});
    };
    CHECK(set(0, 1'000'000'001) == Errno::success);
    CHECK(set(lookupflags::symlink_follow, 2'000'000'002) == Errno::success);
    CHECK(names.stat("link", 0, stat) == Errno::success);
    CHECK(stat.mtim == 1'000'000'001);
    CHECK(names.stat("file", 0, stat) == Errno::success);
    CHECK(stat.mtim == 2'000'000'002);
    CHECK(guest.call("path_filestat_set_times", {kRoot, 0, guest.path("link"), 4, 0, 0, 3}) ==
          Errno::inval);
  });
}

TEST_CASE("opening a pipe in a directory does not wait for its other end, and reading it parks") {
  with_both_resolvers([](TestGuest& guest, TempDir& dir) {
    REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
    Fd fd = 0;
    CHECK(guest.open(kRoot, "fifo", fd, flags(0, rights::fd_write)) == Errno::nxio);
    CHECK(guest.open(kRoot, "fifo", fd) == Errno::success);
    const UniqueFd writer(::open((dir / "fifo").c_str(), O_WRONLY | O_CLOEXEC));
    CHECK(go([&] { CHECK(::write(writer.get(), "late", 4) == 4); }).ok());
    std::string text;
    CHECK(guest.read(fd, text) == Errno::success);
    CHECK(text == "late");
  });
}
