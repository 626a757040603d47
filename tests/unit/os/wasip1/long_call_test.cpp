// SPDX-License-Identifier: Apache-2.0
// Calls that work for long give the others turns; and what a guest can make weft keep is counted.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scheduler/sync/wait_group.h"
#include "tests/unit/os/wasip1/guest.h"

using namespace weft;
using namespace weft::wasip1;
using namespace weft::wasip1::test;

namespace {

constexpr Size kList = 0;            // An array of iovecs.
constexpr Size kBuffer = 32 * 1024;  // What they all point to.
constexpr Size kBufferBytes = 8192;
constexpr Size kBuffers = 1024;        // 8 MiB in all.
constexpr Size kDone = 40 * 1024 + 8;  // Where the count goes.

constexpr std::uint64_t kBytes = std::uint64_t{kBuffers} * kBufferBytes;
constexpr int kTurns = kBytes / (64 * 1024);

void put_buffers(TestGuest& guest, Size count, Size bytes) {
  for (Size i = 0; i < count; ++i) guest.put_iovec(kList + i * Size{sizeof(Iovec)}, kBuffer, bytes);
}

// Counts the turns that another G gets while f runs.
template <class F>
int turns_of_another(F&& f) {
  bool done = false;
  int turns = 0;
  wait_group others;
  others.add(1);
  REQUIRE(go([&] {
            const auto goes_on = [&] { return !done; };
            for (; goes_on(); yield()) ++turns;
            others.done();
          }).ok());
  f();
  done = true;
  others.wait();
  return turns;
}

// The limit of a file's size, for as long as it lives.
struct FileSizeLimit {
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit now{.rlim_cur = bytes, .rlim_max = before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before); }
  rlimit before{};
};

struct DescriptorLimit {
  explicit DescriptorLimit(rlim_t count) {
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit now{.rlim_cur = count, .rlim_max = before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &now);
  }
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before); }
  rlimit before{};
};

}  // namespace

TEST_CASE("a write and a read of 8 MiB give the others a turn every 64 KiB") {
  TempDir dir;
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    Fd fd = 0;
    REQUIRE(guest.open(3, "big", fd, TestGuest::for_writing()) == Errno::success);
    put_buffers(guest, kBuffers, kBufferBytes);
    const auto turns_in = [&](std::string_view name, std::initializer_list<std::uint64_t> args) {
      return turns_of_another([&] {
        CHECK(guest.call(name, args) == Errno::success);
        CHECK(guest.u32(kDone) == kBytes);
      });
    };
    CHECK(turns_in("fd_write", {fd, kList, kBuffers, kDone}) >= kTurns);
    CHECK(turns_in("fd_pwrite", {fd, kList, kBuffers, 4096, kDone}) >= kTurns);
    CHECK(turns_in("fd_pread", {fd, kList, kBuffers, 0, kDone}) >= kTurns);
    CHECK(guest.call("fd_seek", {fd, 0, 0, kDone}) == Errno::success);
    CHECK(turns_in("fd_read", {fd, kList, kBuffers, kDone}) >= kTurns);
    CHECK(fs::file_size(dir / "big") == kBytes + 4096);
  });
}

TEST_CASE("a stream whose reader is always there gives the others turns, too") {
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  const UniqueFd ours(fds[0]);
  const UniqueFd guests(fds[1]);
  ProcessConfig config;
  config.stdout_fd = guests.get();
  TestGuest guest(std::move(config));
  guest.run([&] {
    put_buffers(guest, kBuffers, kBufferBytes);
    std::uint64_t read = 0;
    std::vector<char> room(1 << 20);
    REQUIRE(go([&] {
              while (read < kBytes) {
                const ssize_t n = ::recv(ours.get(), room.data(), room.size(), MSG_DONTWAIT);
                if (n > 0) read += static_cast<std::uint64_t>(n);
                yield();
              }
            }).ok());
    CHECK(turns_of_another([&] {
            CHECK(guest.call("fd_write", {1, kList, kBuffers, kDone}) == Errno::success);
            CHECK(guest.u32(kDone) == kBytes);
          }) >= kTurns / 2);
  });
}

TEST_CASE("a write of 3,000 buffers goes on until all is written, to a file and to a pipe") {
  TempDir dir;
  Pipe pipe;
  ProcessConfig config = with_directory(dir.path());
  config.stdout_fd = pipe.write.get();
  TestGuest guest(std::move(config));
  guest.run([&] {
    Fd fd = 0;
    REQUIRE(guest.open(3, "f", fd, TestGuest::for_writing()) == Errno::success);
    put_buffers(guest, 3000, 3);
    guest.put(kBuffer, "abc");
    CHECK(guest.call("fd_write", {fd, kList, 3000, kDone}) == Errno::success);
    CHECK(guest.u32(kDone) == 9000);
    CHECK(guest.call("fd_pwrite", {fd, kList, 3000, 9000, kDone}) == Errno::success);
    CHECK(guest.u32(kDone) == 9000);
    CHECK(fs::file_size(dir / "f") == 18000);
    CHECK(guest.call("fd_write", {1, kList, 3000, kDone}) == Errno::success);
    CHECK(guest.u32(kDone) == 9000);
  });
  char room[10'000];
  CHECK(::read(pipe.read.get(), room, sizeof room) == 9000);
}

TEST_CASE("random_get of a seeded source and of the system's gives turns") {
  for (const bool seeded : {false, true}) {
    ProcessConfig config;
    std::size_t longest = 0;
    if (seeded) {
      config.random = [&](std::span<std::byte> out) {
        longest = std::max(longest, out.size());
        std::ranges::fill(out, std::byte{1});
      };
    }
    TestGuest guest(std::move(config));
    guest.run([&] {
      std::vector<std::byte> out(1 << 20);
      const int turns =
          turns_of_another([&] { CHECK(guest.process().random(out) == Errno::success); });
      // A signal makes a piece of the system's shorter: it then takes two for a turn.
      CHECK(turns >= (seeded ? 16 : 8));
    });
    CHECK(longest <= 64 * 1024);
  }
}

TEST_CASE("a file beyond RLIMIT_FSIZE is EFBIG for the guest, and no signal ends the process") {
  TempDir dir;
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    Fd fd = 0;
    REQUIRE(guest.open(3, "f", fd, TestGuest::for_writing()) == Errno::success);
    const FileSizeLimit limit(10'000);
    put_buffers(guest, 2, 8000);
    CHECK(guest.call("fd_write", {fd, kList, 2, kDone}) == Errno::success);
    CHECK(guest.u32(kDone) == 10'000);  // As far as it goes.
    CHECK(guest.call("fd_write", {fd, kList, 2, kDone}) == Errno::fbig);
    CHECK(guest.call("fd_pwrite", {fd, kList, 2, 20'000, kDone}) == Errno::fbig);
    CHECK(guest.call("fd_allocate", {fd, 0, 20'000}) == Errno::fbig);
    CHECK(guest.call("fd_allocate", {fd, 0, 20'000'000}) == Errno::fbig);
    CHECK(guest.call("fd_filestat_set_size", {fd, 20'000}) == Errno::fbig);
    CHECK(fs::file_size(dir / "f") == 10'000);
  });
}

TEST_CASE("fd_allocate works in steps, counts as written, and a size that is refused is none") {
  TempDir dir;
  ProcessConfig config = with_directory(dir.path());
  config.budgets.output_bytes = 100 << 20;
  TestGuest guest(std::move(config));
  guest.run([&] {
    Fd fd = 0;
    REQUIRE(guest.open(3, "f", fd, TestGuest::for_writing()) == Errno::success);
    CHECK(turns_of_another([&] {
            CHECK(guest.call("fd_allocate", {fd, 1000, 64 << 20}) == Errno::success);
          }) >= 7);
    CHECK(fs::file_size(dir / "f") == 1000 + (64 << 20));
    CHECK(guest.call("fd_allocate", {fd, 0, 64 << 20}) == Errno::nospc);  // 36 MiB are left.
    CHECK(turns_of_another([&] {
            CHECK(guest.call("fd_filestat_set_size", {fd, 100}) == Errno::success);
          }) >= 3);
    CHECK(fs::file_size(dir / "f") == 100);
    CHECK(guest.call("fd_allocate", {fd, 0, 32 << 20}) == Errno::success);
    Fd again = 0;
    const auto truncated = TestGuest::for_writing(oflags::trunc);
    CHECK(turns_of_another(
              [&] { CHECK(guest.open(3, "f", again, truncated) == Errno::success); }) >= 1);
    CHECK(fs::file_size(dir / "f") == 0);
    CHECK(guest.write(again, "x") == Errno::success);
    CHECK(fs::file_size(dir / "f") == 1);
  });
}

TEST_CASE("listings come out of the guest's memory: ENOMEM beyond it, and closing gives it back") {
  TempDir dir;
  for (int i = 0; i < 500; ++i) write_file(dir / (std::string(200, 'n') + std::to_string(i)), "");
  ProcessConfig config = with_directory(dir.path());
  config.budgets.memory_bytes = 1 << 20;
  TestGuest guest(std::move(config));
  guest.run([&] {
    std::vector<Fd> open;
    Errno e = Errno::success;
    while (e == Errno::success && open.size() < 100) {
      Fd fd = 0;
      TestGuest::OpenOptions options;
      options.o_flags = oflags::directory;
      REQUIRE(guest.open(3, ".", fd, options) == Errno::success);
      open.push_back(fd);
      e = guest.call("fd_readdir", {fd, 0, 100, 0, 200});
    }
    CHECK(e == Errno::nomem);
    CHECK(open.size() > 3);
    CHECK(open.size() < 15);  // Each is more than 100 KB.
    const std::uint64_t used = guest.process().budgets().memory_bytes.used();
    CHECK(used > 800'000);
    CHECK(guest.call("fd_close", {open.front()}) == Errno::success);
    CHECK(guest.process().budgets().memory_bytes.used() < used);
    CHECK(guest.call("fd_readdir", {open.back(), 0, 100, 0, 200}) == Errno::success);
    for (std::size_t i = 1; i < open.size(); ++i) guest.call("fd_close", {open[i]});
    CHECK(guest.process().host_memory().held() == 0);
    CHECK(guest.process().budgets().memory_bytes.used() == 0);
  });
}

TEST_CASE("forgetting a file of 512 MiB (fd_advise) kept the thread for as long as that took") {
  TempDir dir;
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    Fd fd = 0;
    REQUIRE(guest.open(3, "large", fd, TestGuest::for_writing()) == Errno::success);
    REQUIRE(guest.call("fd_filestat_set_size", {fd, std::uint64_t{512} << 20}) == Errno::success);
    const auto turns_in = [&](std::uint64_t offset, std::uint64_t bytes) {
      constexpr std::uint64_t kDontNeed = 4;
      return turns_of_another([&] {
        CHECK(guest.call("fd_advise", {fd, offset, bytes, kDontNeed}) == Errno::success);
      });
    };
    CHECK(turns_in(0, 0) >= 512 / 8 - 1);
    CHECK(turns_in(0, std::uint64_t{1} << 62) >= 512 / 8 - 1);
    CHECK(turns_in(std::uint64_t{500} << 20, 0) <= 3);
    CHECK(turns_in(std::uint64_t{1} << 62, 0) <= 2);
    // With a hole: 131,072 steps of 8 MiB.
    REQUIRE(guest.call("fd_filestat_set_size", {fd, std::uint64_t{1} << 40}) == Errno::success);
    CHECK(turns_in(0, 0) <= 4'100);
  });
}

TEST_CASE("path_link through 39 links, each below 38 others, was one call of 80,000 steps") {
  TempDir dir;
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    const std::string folder = dir.path().string();
    REQUIRE(::symlink(".", (folder + "/d").c_str()) == 0);
    constexpr int kLinks = 39;
    for (int i = 0; i < kLinks; ++i) {
      const std::string to = "x" + std::to_string(i + 1);
      REQUIRE(::symlink(to.c_str(), (folder + "/x" + std::to_string(i)).c_str()) == 0);
    }
    Fd fd = 0;
    REQUIRE(guest.open(3, "x39", fd, TestGuest::for_writing()) == Errno::success);
    const int turns = turns_of_another([&] {
      constexpr std::uint64_t kFollow = 1;
      CHECK(guest.call("path_link", {3, kFollow, guest.path("d/x0"), 4, 3, guest.path("new", 1),
                                     3}) == Errno::success);
    });
    CHECK(turns >= kLinks - 2);
  });
}

TEST_CASE("reading a directory of 5,000 names gives the others turns") {
  TempDir dir;
  for (int i = 0; i < 5000; ++i) write_file(dir / std::to_string(i), "");
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    CHECK(turns_of_another([&] {
            CHECK(guest.call("fd_readdir", {3, 0, 100, 0, 200}) == Errno::success);
          }) > 20);  // Reading is 4, sorting the rest.
  });
}

TEST_CASE("a poll of more subscriptions than RLIMIT_NOFILE reports what is ready") {
  Pipe pipe;
  ProcessConfig config;
  config.stdin_fd = pipe.read.get();
  TestGuest guest(std::move(config));
  guest.run([&] {
    constexpr Size kCount = 700;
    for (Size i = 0; i < kCount; ++i) {
      Subscription s{};
      s.userdata = i;
      s.tag = EventType::fd_read;
      guest.put_value(i * Size{sizeof s}, s);
    }
    REQUIRE(go([&] {
              for (int i = 0; i < 3; ++i) yield();
              CHECK(::write(pipe.write.get(), "hi", 2) == 2);
            }).ok());
    const DescriptorLimit limit(100);
    CHECK(guest.call("poll_oneoff", {0, 36 * 1024, kCount, 60 * 1024}) == Errno::success);
    CHECK(guest.u32(60 * 1024) == kCount);
    CHECK(guest.value<Event>(36 * 1024).nbytes == 2);
  });
}

TEST_CASE("a poll set comes out of the guest's memory, and a small one is free") {
  ProcessConfig config;
  config.budgets.memory_bytes = 0;
  TestGuest guest(std::move(config));
  guest.run([&] {
    for (Size i = 0; i < 600; ++i) guest.put_value(i * Size{sizeof(Subscription)}, Subscription{});
    const auto poll = [&](Size n) {
      return guest.call("poll_oneoff", {0, 36 * 1024, n, 60 * 1024});
    };
    CHECK(poll(200) == Errno::success);
    CHECK(poll(600) == Errno::nomem);
    CHECK(guest.process().host_memory().held() == 0);
  });
}

TEST_CASE("no guest makes weft hold more than 64 MiB, whatever its budget is") {
  Budget memory;
  HostMemory held(memory);
  CHECK(held.take(HostMemory::kFree));
  CHECK(memory.used() == 0);
  CHECK(held.take(HostMemory::kMax - HostMemory::kFree));
  CHECK(memory.used() == HostMemory::kMax - HostMemory::kFree);
  CHECK_FALSE(held.take(1));
  CHECK_FALSE(held.take(UINT64_MAX));
  held.give_back(HostMemory::kMax);
  CHECK(memory.used() == 0);
}
