// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/unit/os/wasip1/guest.h"

using namespace weft;
using namespace weft::wasip1;
using namespace weft::wasip1::test;

namespace {

// A listener on a free port of the loopback.
struct Listener {
  Listener() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(fd.get(), 16) == 0);
    socklen_t length = sizeof address;
    REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
  }
  [[nodiscard]] UniqueFd connect() const {
    UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
          0);
    return client;
  }
  UniqueFd fd;
  sockaddr_in address{};
};

constexpr Fd kListener = 3;

struct Server {
  explicit Server(const fs::path* directory = nullptr) {
    ProcessConfig config;
    config.listeners.push_back(std::move(listener.fd));
    if (directory != nullptr) config.preopens.push_back({directory->string(), "/"});
    guest = std::make_unique<TestGuest>(std::move(config));
  }
  Listener listener;
  std::unique_ptr<TestGuest> guest;
};

Errno recv(TestGuest& guest, Fd fd, Size room, std::uint16_t flags, std::string& out) {
  guest.put_iovec(0, 100, room);
  const Errno e = guest.call("sock_recv", {fd, 0, 1, flags, 16, 20});
  out = e == Errno::success ? guest.text(100, guest.u32(16)) : "";
  return e;
}

Errno send(TestGuest& guest, Fd fd, std::string_view text, std::uint16_t flags = 0) {
  guest.put(100, text);
  guest.put_iovec(0, 100, static_cast<Size>(text.size()));
  return guest.call("sock_send", {fd, 0, 1, flags, 16});
}

}  // namespace

TEST_CASE("listeners come before directories, and both kinds of library find the directories") {
  TempDir dir;
  Server server(&dir.path());
  TestGuest& guest = *server.guest;
  guest.run([&] {
    CHECK(guest.call("fd_prestat_get", {kListener, 0}) == Errno::success);
    CHECK(guest.value<Prestat>(0).tag == PreopenType::socket);
    CHECK(guest.call("fd_prestat_dir_name", {kListener, 0, 10}) == Errno::notdir);
    CHECK(guest.call("fd_prestat_get", {4, 0}) == Errno::success);
    CHECK(guest.value<Prestat>(0).tag == PreopenType::dir);
    CHECK(guest.call("fd_prestat_get", {5, 0}) == Errno::badf);
    CHECK(guest.call("fd_fdstat_get", {kListener, 0}) == Errno::success);
    CHECK(guest.value<Fdstat>(0).fs_filetype == FileType::socket_stream);
  });
}

TEST_CASE(
    "accepting answers EAGAIN, as Go expects, until a guest clears FDFLAGS_NONBLOCK: it parks") {
  Server server;
  TestGuest& guest = *server.guest;
  guest.run([&] {
    CHECK(guest.call("fd_fdstat_get", {kListener, 0}) == Errno::success);
    CHECK(guest.value<Fdstat>(0).fs_flags == fdflags::nonblock);
    CHECK(guest.call("sock_accept", {kListener, 0, 8}) == Errno::again);
    CHECK(guest.call("fd_fdstat_set_flags", {kListener, 0}) == Errno::success);
    UniqueFd client;
    CHECK(go([&] { client = server.listener.connect(); }).ok());
    CHECK(guest.call("sock_accept", {kListener, fdflags::nonblock, 8}) == Errno::success);
    const Fd connection = guest.u32(8);
    CHECK(connection == 4);
    CHECK(guest.call("fd_fdstat_get", {connection, 0}) == Errno::success);
    CHECK(guest.value<Fdstat>(0).fs_flags == fdflags::nonblock);
    std::string text;
    CHECK(recv(guest, connection, 10, 0, text) == Errno::again);
    CHECK(guest.call("sock_accept", {kListener, fdflags::append, 8}) == Errno::inval);
    CHECK(guest.call("sock_accept", {kListener, 0, TestGuest::kMemory - 3}) == Errno::fault);
  });
}

TEST_CASE(
    "a connection sends and receives, by sock_* and by fd_*, and parks for what is not there") {
  Server server;
  TestGuest& guest = *server.guest;
  guest.run([&] {
    UniqueFd client = server.listener.connect();
    CHECK(guest.call("sock_accept", {kListener, 0, 8}) == Errno::success);
    const Fd connection = guest.u32(8);
    CHECK(send(guest, connection, "hello") == Errno::success);
    char buffer[16];
    CHECK(::read(client.get(), buffer, sizeof buffer) == 5);
    CHECK(go([&] { CHECK(::write(client.get(), "abcdef", 6) == 6); }).ok());
    std::string text;
    CHECK(recv(guest, connection, 3, riflags::peek, text) == Errno::success);
    CHECK(text == "abc");
    CHECK(recv(guest, connection, 3, 0, text) == Errno::success);
    CHECK(text == "abc");
    CHECK(guest.read(connection, text) == Errno::success);
    CHECK(text == "def");
    CHECK(guest.write(connection, "bye") == Errno::success);
    CHECK(guest.call("fd_seek", {connection, 0, 0, 64}) == Errno::spipe);
  });
}

TEST_CASE("waitall waits until the buffer is full or the other end has closed") {
  Server server;
  TestGuest& guest = *server.guest;
  guest.run([&] {
    UniqueFd client = server.listener.connect();
    CHECK(guest.call("sock_accept", {kListener, 0, 8}) == Errno::success);
    const Fd connection = guest.u32(8);
    CHECK(go([&] {
            CHECK(::write(client.get(), "ab", 2) == 2);
            yield();
            CHECK(::write(client.get(), "cdef", 4) == 4);
            yield();
            client.reset();
          }).ok());
    std::string text;
    CHECK(recv(guest, connection, 4, riflags::waitall, text) == Errno::success);
    CHECK(text == "abcd");
    CHECK(recv(guest, connection, 10, riflags::waitall, text) == Errno::success);
    CHECK(text == "ef");
    CHECK(recv(guest, connection, 10, 0, text) == Errno::success);
    CHECK(text.empty());
    CHECK(recv(guest, connection, 10, 4, text) == Errno::inval);
    CHECK(send(guest, connection, "x", 1) == Errno::inval);
  });
}

TEST_CASE("a datagram that is longer than the buffer says so") {
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) == 0);
  const UniqueFd mine(fds[0]);
  const UniqueFd other(fds[1]);
  ProcessConfig config;
  config.stdin_fd = mine.get();
  TestGuest guest(std::move(config));
  guest.run([&] {
    CHECK(::write(other.get(), "123456", 6) == 6);
    std::string text;
    CHECK(recv(guest, 0, 4, 0, text) == Errno::success);
    CHECK(text == "1234");
    CHECK(guest.value<std::uint16_t>(20) == roflags::data_truncated);
    CHECK(guest.call("fd_fdstat_get", {0, 0}) == Errno::success);
    CHECK(guest.value<Fdstat>(0).fs_filetype == FileType::socket_dgram);
  });
}

TEST_CASE("shutdown ends what it was asked to end") {
  Server server;
  TestGuest& guest = *server.guest;
  guest.run([&] {
    UniqueFd client = server.listener.connect();
    CHECK(guest.call("sock_accept", {kListener, 0, 8}) == Errno::success);
    const Fd connection = guest.u32(8);
    CHECK(guest.call("sock_shutdown", {connection, 0}) == Errno::inval);
    CHECK(guest.call("sock_shutdown", {connection, 4}) == Errno::inval);
    CHECK(guest.call("sock_shutdown", {connection, sdflags::wr}) == Errno::success);
    char byte = 0;
    CHECK(::read(client.get(), &byte, 1) == 0);
    CHECK(send(guest, connection, "x") == Errno::pipe);
    CHECK(::write(client.get(), "y", 1) == 1);
    std::string text;
    CHECK(recv(guest, connection, 1, 0, text) == Errno::success);
    CHECK(text == "y");
  });
}

TEST_CASE("what is no socket is ENOTSOCK, and what is no descriptor EBADF") {
  TestGuest guest;
  guest.run([&] {
    CHECK(guest.call("sock_shutdown", {1, 1}) == Errno::notsock);
    CHECK(guest.call("sock_accept", {0, 0, 8}) == Errno::notsock);
    CHECK(guest.call("sock_recv", {0, 0, 0, 0, 16, 20}) == Errno::notsock);
    CHECK(guest.call("sock_send", {1, 0, 0, 0, 16}) == Errno::notsock);
    CHECK(guest.call("sock_shutdown", {77, 1}) == Errno::badf);
  });
}

TEST_CASE("what is given as a listener must listen, and what is given as a directory be one") {
  Reactor reactor;
  SystemClock clock;
  ProcessConfig config;
  config.stdin_fd = config.stdout_fd = config.stderr_fd = -1;
  config.listeners.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto made = Process::create(reactor, clock, std::move(config));
  REQUIRE_FALSE(made.ok());
  CHECK(made.error().message.find("not a listening socket") != std::string::npos);
  ProcessConfig missing;
  missing.stdin_fd = missing.stdout_fd = missing.stderr_fd = -1;
  missing.preopens.push_back({"/nowhere/at/all", "/"});
  auto none = Process::create(reactor, clock, std::move(missing));
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().message.find("/nowhere/at/all") == 0);
  ProcessConfig closed;
  closed.stdin_fd = 987'654;
  CHECK_FALSE(Process::create(reactor, clock, std::move(closed)).ok());
}
