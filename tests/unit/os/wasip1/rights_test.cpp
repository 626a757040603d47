// SPDX-License-Identifier: Apache-2.0
// Rights: what a descriptor may do, and what it may pass on.
#include "tests/unit/os/wasip1/paths.h"

using namespace weft;
using namespace weft::wasip1;
using namespace weft::wasip1::test;

TEST_CASE("a right that a directory can't pass on can't be asked for under it") {
  with_both_resolvers([](TestGuest& guest, TempDir& dir) {
    fs::create_directory(dir / "dir");
    write_file(dir / "dir/f", "x");
    Fd sub = 0;
    Fd fd = 0;
    auto options = flags(oflags::directory, rights::path_open | rights::fd_readdir);
    options.inheriting = rights::fd_read;
    CHECK(guest.open(kRoot, "dir", sub, options) == Errno::success);
    CHECK(guest.open(sub, "f", fd, flags(0, rights::fd_read)) == Errno::success);
    CHECK(guest.open(sub, "f", fd, flags(0, rights::fd_write)) == Errno::notcapable);
    CHECK(guest.open(sub, "f", fd, flags(oflags::trunc, rights::fd_read)) == Errno::notcapable);
    CHECK(guest.open(sub, "g", fd, flags(oflags::creat, rights::fd_read)) == Errno::notcapable);
    auto synced = flags(0, rights::fd_read);
    synced.fd_flags = fdflags::sync;
    CHECK(guest.open(sub, "f", fd, synced) == Errno::notcapable);
    auto more = flags(0, rights::fd_read);
    more.inheriting = rights::fd_read | rights::fd_seek;
    CHECK(guest.open(sub, "f", fd, more) == Errno::notcapable);
    CHECK(read_file(dir / "dir/f") == "x");
    // A request for all 64 bits is one for all rights that exist.
    CHECK(guest.open(kRoot, "dir/f", fd, flags(0, ~Rights{0})) == Errno::success);
    CHECK(guest.call("fd_fdstat_get", {fd, 0}) == Errno::success);
    CHECK(guest.value<Fdstat>(0).fs_rights_base == rights::of_file);
  });
}
