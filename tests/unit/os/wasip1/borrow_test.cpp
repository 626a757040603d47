// SPDX-License-Identifier: Apache-2.0
// HostFile::borrow: which descriptors are one file, and how a socket is watched.
#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <span>
#include <vector>

#include "os/reactor.h"
#include "os/wasip1/device.h"
#include "os/wasip1/host_file.h"

using namespace weft;
using namespace weft::wasip1;

namespace {

// Both ends of a stream socket; `flags` as those of socketpair(2).
struct Pair {
  explicit Pair(int flags = 0) {
    int both[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0, both) == 0);
    mine.reset(both[0]);
    other.reset(both[1]);
  }
  UniqueFd mine;
  UniqueFd other;
};

int open_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  REQUIRE(folder != nullptr);
  int count = 0;
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

std::shared_ptr<HostFile> borrow(Reactor& reactor, int fd) {
  auto file = HostFile::borrow(reactor, fd);
  REQUIRE(file.ok());
  return *file;
}

}  // namespace

TEST_CASE("one description is one file, and two descriptions of a file are two") {
  Reactor reactor;
  const UniqueFd one(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const UniqueFd same(::dup(one.get()));
  const UniqueFd again(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const auto file = borrow(reactor, one.get());
  CHECK(borrow(reactor, one.get()) == file);
  CHECK(borrow(reactor, same.get()) == file);
  const auto second = borrow(reactor, again.get());
  CHECK(second != file);
  CHECK(borrow(reactor, again.get()) == second);
}

TEST_CASE("a description is found among thousands that were borrowed and are gone") {
  Reactor reactor;
  const Pair kept;
  const auto file = borrow(reactor, kept.mine.get());
  std::vector<std::shared_ptr<HostFile>> held;
  for (int i = 0; i < 2000; ++i) {
    const Pair pair;
    const auto passing = borrow(reactor, pair.mine.get());
    CHECK(passing != file);
    if (i % 50 == 0) held.push_back(passing);
  }
  CHECK(borrow(reactor, kept.mine.get()) == file);
  for (const auto& each : held) CHECK(borrow(reactor, each->fd()) == each);
}

TEST_CASE("a descriptor that is not open can't be borrowed") {
  Reactor reactor;
  const auto file = HostFile::borrow(reactor, 9999);
  REQUIRE(!file.ok());
  CHECK(file.error().message == "descriptor 9999: Bad file descriptor");
}

TEST_CASE("a socket that is non-blocking already is watched itself, and costs no descriptor") {
  Reactor reactor;
  const Pair pair(SOCK_NONBLOCK);
  const auto file = borrow(reactor, pair.mine.get());
  const int before = open_descriptors();
  HostFile::Target to_read;
  HostFile::Target to_write;
  CHECK(file->target(Direction::read, to_read) == Errno::success);
  CHECK(file->target(Direction::write, to_write) == Errno::success);
  CHECK(to_read.watch == to_write.watch);
  CHECK(to_read.direction == Direction::read);
  CHECK(to_write.direction == Direction::write);
  CHECK(open_descriptors() == before);
}

TEST_CASE("streams of a program's own cost one descriptor, of /dev/null, together") {
  class Quiet final : public Device {
   public:
    Errno read(std::span<const iovec> /*buffers*/, std::size_t& n) override {
      n = 0;
      return Errno::success;
    }
    Errno write(std::span<const iovec> buffers, std::size_t& n) override {
      return read(buffers, n);
    }
    State state(Direction /*direction*/) override { return {}; }
  };
  Reactor reactor;
  const int before = open_descriptors();
  std::vector<std::shared_ptr<HostFile>> files;
  for (int i = 0; i < 1000; ++i) {
    auto file = HostFile::simulate(reactor, std::make_shared<Quiet>(), FileType::character_device);
    REQUIRE(file.ok());
    files.push_back(*file);
    CHECK(::fcntl((*file)->fd(), F_GETFD) >= 0);
  }
  CHECK(open_descriptors() <= before + 1);
  files.clear();
  CHECK(open_descriptors() <= before + 1);
}

TEST_CASE("a socket that blocks goes on blocking while it is watched") {
  Reactor reactor;
  const Pair pair;
  const auto file = borrow(reactor, pair.mine.get());
  HostFile::Target to_read;
  HostFile::Target to_write;
  CHECK(file->target(Direction::read, to_read) == Errno::success);
  CHECK(file->target(Direction::write, to_write) == Errno::success);
  CHECK(to_read.watch != to_write.watch);
  CHECK((::fcntl(pair.mine.get(), F_GETFL) & O_NONBLOCK) == 0);
}
