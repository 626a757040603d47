// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <pty.h>
#include <signal.h>
#include <sys/socket.h>

#include "tests/unit/os/wasip1/guest.h"

using namespace weft;
using namespace weft::wasip1;
using namespace weft::wasip1::test;

namespace {

ProcessConfig with_stdio(int in, int out = -1) {
  ProcessConfig config;
  config.stdin_fd = in;
  config.stdout_fd = out;
  return config;
}

bool is_blocking(int fd) {
  return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
}

struct SocketPair {
  explicit SocketPair(int type = SOCK_STREAM) {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) == 0);
    a.reset(fds[0]);
    b.reset(fds[1]);
  }
  UniqueFd a;
  UniqueFd b;
};

struct Pty {
  Pty() {
    int fds[2];
    REQUIRE(::openpty(&fds[0], &fds[1], nullptr, nullptr, nullptr) == 0);
    master.reset(fds[0]);
    terminal.reset(fds[1]);
  }
  UniqueFd master;
  UniqueFd terminal;
};

}  // namespace

TEST_CASE("a read from an empty pipe parks its guest and no other") {
  Pipe pipe;
  TestGuest guest(with_stdio(pipe.read.get()));
  std::string order;
  guest.run([&] {
    CHECK(go([&] {
            order += "other ";
            CHECK(::write(pipe.write.get(), "hello", 5) == 5);
          }).ok());
    std::string text;
    CHECK(guest.read(0, text) == Errno::success);
    order += text;
  });
  CHECK(order == "other hello");
}

TEST_CASE("reading gives what is there, then the rest, then the end") {
  Pipe pipe;
  CHECK(::write(pipe.write.get(), "abcdef", 6) == 6);
  pipe.write.reset();
  TestGuest guest(with_stdio(pipe.read.get()));
  guest.run([&] {
    std::string text;
    CHECK(guest.read(0, text, 4) == Errno::success);
    CHECK(text == "abcd");
    CHECK(guest.read(0, text, 4) == Errno::success);
    CHECK(text == "ef");
    CHECK(guest.read(0, text, 4) == Errno::success);
    CHECK(text.empty());
  });
}

TEST_CASE("with FDFLAGS_NONBLOCK a read answers EAGAIN, and the parent's pipe stays blocking") {
  Pipe pipe;
  TestGuest guest(with_stdio(pipe.read.get()));
  guest.run([&] {
    std::string text;
    CHECK(guest.call("fd_fdstat_set_flags", {0, fdflags::nonblock}) == Errno::success);
    CHECK(guest.read(0, text) == Errno::again);
    CHECK(::write(pipe.write.get(), "x", 1) == 1);
    CHECK(guest.read(0, text) == Errno::success);
    CHECK(text == "x");
    CHECK(guest.call("fd_fdstat_get", {0, 0}) == Errno::success);
    CHECK(guest.value<Fdstat>(0).fs_flags == fdflags::nonblock);
  });
  CHECK(is_blocking(pipe.read.get()));
}

TEST_CASE("a slow reader delays only the guest that writes; everything arrives") {
  Pipe pipe;
  TestGuest guest(with_stdio(-1, pipe.write.get()));
  constexpr std::size_t kBytes = 512 * 1024;                    // More than any pipe holds.
  REQUIRE(::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) == 0);  // This test's own end.
  std::size_t received = 0;
  std::size_t turns = 0;
  guest.run([&] {
    CHECK(go([&] {
            char buffer[8192];
            while (received < kBytes) {
              const ssize_t n = ::read(pipe.read.get(), buffer, sizeof buffer);
              if (n > 0) received += static_cast<std::size_t>(n);
              ++turns;
              yield();
            }
          }).ok());
    for (Size i = 0; i < 16; ++i) guest.put_iovec(i * 8, 0, 32 * 1024);
    CHECK(guest.call("fd_write", {1, 0, 16, 1000}) == Errno::success);
    CHECK(guest.u32(1000) == kBytes);
  });
  CHECK(received == kBytes);
  CHECK(turns > 10);
  CHECK(is_blocking(pipe.write.get()));
}

TEST_CASE("with FDFLAGS_NONBLOCK a write to a full pipe is short, then EAGAIN") {
  Pipe pipe;
  REQUIRE(::fcntl(pipe.write.get(), F_SETPIPE_SZ, 4096) > 0);
  TestGuest guest(with_stdio(-1, pipe.write.get()));
  guest.run([&] {
    CHECK(guest.call("fd_fdstat_set_flags", {1, fdflags::nonblock}) == Errno::success);
    guest.put_iovec(0, 0, 32 * 1024);
    CHECK(guest.call("fd_write", {1, 0, 1, 1000}) == Errno::success);
    CHECK(guest.u32(1000) > 0);
    CHECK(guest.u32(1000) < 32 * 1024);
    CHECK(guest.call("fd_write", {1, 0, 1, 1000}) == Errno::again);
  });
}

TEST_CASE("a write that nobody will read is EPIPE and no signal") {
  Pipe pipe;
  TestGuest guest(with_stdio(-1, pipe.write.get()));
  pipe.read.reset();
  SocketPair sockets;
  TestGuest connected(with_stdio(-1, sockets.a.get()));
  sockets.b.reset();
  guest.run([&] {
    CHECK(guest.write(1, "x") == Errno::pipe);
    CHECK(connected.write(1, "x") == Errno::pipe);
  });
  sigset_t pending;
  sigpending(&pending);
  CHECK(sigismember(&pending, SIGPIPE) == 0);
}

TEST_CASE("a shared socket parks too, and keeps its flags") {
  SocketPair sockets;
  TestGuest guest(with_stdio(sockets.a.get(), sockets.a.get()));
  guest.run([&] {
    CHECK(go([&] { CHECK(::write(sockets.b.get(), "ping", 4) == 4); }).ok());
    std::string text;
    CHECK(guest.read(0, text) == Errno::success);
    CHECK(text == "ping");
    CHECK(guest.write(1, "pong") == Errno::success);
    char buffer[8];
    CHECK(::read(sockets.b.get(), buffer, sizeof buffer) == 4);
  });
  CHECK(is_blocking(sockets.a.get()));
}

TEST_CASE("a shared terminal parks too, is known as one, and keeps its flags") {
  Pty pty;
  TestGuest guest(with_stdio(pty.terminal.get(), pty.terminal.get()));
  guest.run([&] {
    CHECK(guest.call("fd_fdstat_get", {0, 0}) == Errno::success);
    const auto stat = guest.value<Fdstat>(0);
    CHECK(stat.fs_filetype == FileType::character_device);
    CHECK((stat.fs_rights_base & (rights::fd_seek | rights::fd_tell)) == 0);
    CHECK(go([&] { CHECK(::write(pty.master.get(), "line\n", 5) == 5); }).ok());
    std::string text;
    CHECK(guest.read(0, text) == Errno::success);
    CHECK(text == "line\n");
    CHECK(guest.write(1, "out") == Errno::success);
  });
  CHECK(is_blocking(pty.terminal.get()));
}

TEST_CASE("what can't be opened again is asked first whether it is ready") {
  Pty pty;  // The master side: opening it again would make another terminal.
  TestGuest guest(with_stdio(pty.master.get(), pty.master.get()));
  guest.run([&] {
    std::string text;
    CHECK(guest.call("fd_fdstat_set_flags", {0, fdflags::nonblock}) == Errno::success);
    CHECK(guest.read(0, text) == Errno::again);
    CHECK(guest.call("fd_fdstat_set_flags", {0, 0}) == Errno::success);
    CHECK(go([&] { CHECK(::write(pty.terminal.get(), "abc", 3) == 3); }).ok());
    CHECK(guest.read(0, text) == Errno::success);
    CHECK(text == "abc");
    CHECK(guest.write(1, "to the terminal\n") == Errno::success);
  });
  CHECK(is_blocking(pty.master.get()));
}

TEST_CASE("guests with the same stdio share three descriptors of the host") {
  const auto open_fds = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  Pipe in;
  Pipe out;
  Reactor reactor;
  SystemClock clock;
  std::vector<std::unique_ptr<Process>> processes;
  const auto make = [&] {
    ProcessConfig config;
    config.stdin_fd = in.read.get();
    config.stdout_fd = out.write.get();
    config.stderr_fd = out.write.get();
    auto made = Process::create(reactor, clock, std::move(config));
    REQUIRE(made.ok());
    processes.push_back(std::move(*made));
  };
  make();
  const auto with_one = open_fds();
  for (int i = 0; i < 100; ++i) make();
  CHECK(open_fds() == with_one);
}

TEST_CASE("stdio of -1 reads as ended and drops what is written") {
  TestGuest guest;
  guest.run([&] {
    std::string text;
    CHECK(guest.read(0, text) == Errno::success);
    CHECK(text.empty());
    CHECK(guest.write(1, "nothing") == Errno::success);
    CHECK(guest.write(0, "x") == Errno::notcapable);
    CHECK(guest.read(1, text) == Errno::notcapable);
  });
}

TEST_CASE("bad pointers are EFAULT and nothing is read or written") {
  Pipe pipe;
  CHECK(::write(pipe.write.get(), "abc", 3) == 3);
  TestGuest guest(with_stdio(pipe.read.get(), pipe.write.get()));
  guest.run([&] {
    guest.put_iovec(0, 100, 10);
    CHECK(guest.call("fd_read", {0, 0, 1, TestGuest::kMemory - 3}) == Errno::fault);
    CHECK(guest.call("fd_read", {0, TestGuest::kMemory - 7, 1, 50}) == Errno::fault);
    guest.put_iovec(0, TestGuest::kMemory - 1, 2);
    CHECK(guest.call("fd_read", {0, 0, 1, 50}) == Errno::fault);
    CHECK(guest.call("fd_write", {1, 0, 1, 50}) == Errno::fault);
    guest.put_iovec(0, 0xffff'fff0, 0xffff'ffff);
    CHECK(guest.call("fd_read", {0, 0, 1, 50}) == Errno::fault);
    std::string text;
    CHECK(guest.read(0, text) == Errno::success);
    CHECK(text == "abc");
    CHECK(guest.call("fd_read", {0, 0, 0, 50}) == Errno::success);
    CHECK(guest.u32(50) == 0);
    CHECK(guest.call("fd_read", {99, 0, 0, 50}) == Errno::badf);
  });
}

TEST_CASE("a file is read and written at its offset, at a given one, and at its end") {
  TempDir dir;
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    Fd fd = 0;
    CHECK(guest.open(kRoot, "f", fd, TestGuest::for_writing()) == Errno::success);
    CHECK(guest.write(fd, "0123456789") == Errno::success);
    CHECK(guest.call("fd_seek", {fd, static_cast<std::uint64_t>(-4), 1, 64}) == Errno::success);
    CHECK(guest.u64(64) == 6);
    CHECK(guest.call("fd_tell", {fd, 64}) == Errno::success);
    CHECK(guest.u64(64) == 6);
    guest.put(0, "XY");
    guest.put_iovec(16, 0, 2);
    CHECK(guest.call("fd_pwrite", {fd, 16, 1, 1, 64}) == Errno::success);
    CHECK(guest.u32(64) == 2);
    guest.put_iovec(16, 128, 4);
    CHECK(guest.call("fd_pread", {fd, 16, 1, 0, 64}) == Errno::success);
    CHECK(guest.text(128, 5) == "0XY3?");
    CHECK(guest.call("fd_pread", {fd, 16, 1, 1000, 64}) == Errno::success);
    CHECK(guest.u32(64) == 0);
    CHECK(guest.call("fd_pread", {fd, 16, 1, ~0ull, 64}) == Errno::inval);
    CHECK(guest.call("fd_pwrite", {fd, 16, 1, 1ull << 63, 64}) == Errno::inval);
    std::string rest;
    CHECK(guest.read(fd, rest) == Errno::success);
    CHECK(rest == "6789");
    CHECK(guest.call("fd_seek", {fd, 5, 2, 64}) == Errno::success);
    CHECK(guest.u64(64) == 15);
    CHECK(guest.call("fd_seek", {fd, static_cast<std::uint64_t>(-20), 1, 64}) == Errno::inval);
    CHECK(guest.call("fd_seek", {fd, 0, 3, 64}) == Errno::inval);
    CHECK(guest.call("fd_seek", {fd, 0, 0, TestGuest::kMemory - 7}) == Errno::fault);
    CHECK(guest.call("fd_seek", {fd, 3, 2, 64}, "wasi_unstable") == Errno::success);
    CHECK(guest.u64(64) == 3);  // There 2 is from the start.
  });
}

TEST_CASE("append writes at the end wherever the offset is, and can be switched off again") {
  TempDir dir;
  write_file(dir / "log", "one");
  TestGuest guest(with_directory(dir.path()));
  guest.run([&] {
    Fd fd = 0;
    auto options = TestGuest::for_writing(0);
    options.fd_flags = fdflags::append | fdflags::sync;
    CHECK(guest.open(kRoot, "log", fd, options) == Errno::success);
    CHECK(guest.write(fd, "two") == Errno::success);
    CHECK(read_file(dir / "log") == "onetwo");
    guest.put_iovec(16, 0, 1);
    CHECK(guest.call("fd_pwrite", {fd, 16, 1, 0, 64}) == Errno::success);
    CHECK(read_file(dir / "log") == "?netwo");
    CHECK(guest.call("fd_fdstat_set_flags", {fd, 0}) == Errno::success);
    CHECK(guest.call("fd_seek", {fd, 0, 0, 64}) == Errno::success);
    CHECK(guest.write(fd, "O") == Errno::success);
    CHECK(read_file(dir / "log") == "Onetwo");
  });
}

TEST_CASE("reading a stdin that is a directory is EISDIR, one that was opened is EBADF") {
  TempDir dir;
  const UniqueFd stdin_fd(::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ProcessConfig config = with_stdio(stdin_fd.get());
  config.preopens.push_back({dir.path().string(), "/"});
  TestGuest guest(std::move(config));
  guest.run([&] {
    std::string text;
    CHECK(guest.read(0, text) == Errno::isdir);
    CHECK(guest.read(3, text) == Errno::badf);
  });
}

TEST_CASE("directories have no bytes and streams no offsets") {
  TempDir dir;
  Pipe pipe;
  auto config = with_directory(dir.path());
  config.stdin_fd = pipe.read.get();
  TestGuest guest(std::move(config));
  guest.run([&] {
    guest.put_iovec(16, 0, 1);
    for (const char* call : {"fd_read", "fd_write"}) {
      CHECK(guest.call(call, {kRoot, 16, 1, 64}) == Errno::badf);
    }
    for (const char* call : {"fd_pread", "fd_pwrite"}) {
      CHECK(guest.call(call, {kRoot, 16, 1, 0, 64}) == Errno::badf);
    }
    CHECK(guest.call("fd_seek", {kRoot, 0, 1, 64}) == Errno::badf);
    CHECK(guest.call("fd_tell", {kRoot, 64}) == Errno::badf);
    CHECK(guest.call("fd_seek", {0, 0, 1, 64}) == Errno::spipe);
    CHECK(guest.call("fd_pread", {0, 16, 1, 0, 64}) == Errno::spipe);
  });
}
