// SPDX-License-Identifier: Apache-2.0
// Bytes through pipes that fill up: what comes out is what went in, in order, to the last byte.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "base/unique_fd.h"
#include "tests/host/soak/soak.h"

namespace weft::soak {
namespace {

constexpr std::uint64_t kPeriod = 251;  // A prime: a lost page shows.

class PipeEnd {
 public:
  PipeEnd(Soak& soak, int fd) : fd_(fd), watch_(std::move(*Watch::open(soak.reactor(), fd))) {}

  // Repeats call() while it would block, and parks this G in between.
  template <class F>
  ssize_t until_ready(Direction direction, F call) {
    for (;;) {
      const ssize_t result = call(fd_.get());
      if (result >= 0 || errno != EAGAIN) return result;
      ReadyWait wait(*watch_, direction, this_g());
      while (!wait.fired()) park(WaitReason::io_wait);
    }
  }

 private:
  UniqueFd fd_;
  std::unique_ptr<Watch> watch_;
};

using Buffer = std::array<unsigned char, 8'192>;

std::uint64_t write_all(Soak& soak, PipeEnd out) {
  std::uint64_t written = 0;
  Buffer data;
  while (!soak.over()) {
    const std::size_t bytes = 1 + soak.below(data.size());
    for (std::size_t i = 0; i < bytes; ++i) {
      data[i] = static_cast<unsigned char>((written + i) % kPeriod);
    }
    const ssize_t n =
        out.until_ready(Direction::write, [&](int fd) { return ::write(fd, data.data(), bytes); });
    soak.check(n > 0, "a pipe takes bytes");
    written += static_cast<std::uint64_t>(std::max<ssize_t>(n, 0));
    if (soak.one_in(16)) soak.pause();
  }
  return written;
}

std::uint64_t read_all(Soak& soak, PipeEnd in) {
  std::uint64_t got = 0;
  Buffer data;
  for (;;) {
    const ssize_t n = in.until_ready(
        Direction::read, [&](int fd) { return ::read(fd, data.data(), 1 + soak.below(8'192)); });
    if (n <= 0) {
      soak.check(n == 0, "a pipe ends with its writer");
      return got;
    }
    for (ssize_t i = 0; i < n; ++i, ++got) {
      if (data[static_cast<std::size_t>(i)] != got % kPeriod) {
        soak.check(false, "bytes come in order");
        return got;
      }
    }
    if (soak.one_in(16)) soak.pause();
  }
}

}  // namespace

std::uint64_t pipes(Soak& soak) {
  std::uint64_t moved = 0;
  wait_group all;
  for (int i = 0; i < 4; ++i) {
    all.go([&] {
      while (!soak.over()) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return soak.check(false, "a pipe opens");
        auto reader = spawn([&soak, fd = ends[0]] { return read_all(soak, PipeEnd(soak, fd)); });
        auto writer = spawn([&soak, fd = ends[1]] { return write_all(soak, PipeEnd(soak, fd)); });
        const std::uint64_t written = writer.join();
        soak.check(reader.join() == written, "every byte came out");
        moved += written;
      }
    });
  }
  // A G waits for a pipe without a writer, and is killed there.
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) soak.check(false, "a pipe opens");
  const UniqueFd kept_open(ends[1]);
  const UniqueFd silent(ends[0]);
  all.go([&] {
    soak.start_and_kill([&soak, &silent] { read_all(soak, PipeEnd(soak, ::dup(silent.get()))); });
  });
  all.wait();
  return moved;
}

}  // namespace weft::soak
