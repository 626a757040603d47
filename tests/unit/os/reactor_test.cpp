// SPDX-License-Identifier: Apache-2.0
#include "os/reactor.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "base/unique_fd.h"
#include "os/clocks.h"
#include "scheduler/api.h"

using namespace weft;

namespace {

struct Pipe {
  Pipe() {
    int fds[2];
    REQUIRE(::pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0);
    read.reset(fds[0]);
    write.reset(fds[1]);
  }
  void put(char c) const { CHECK(::write(write.get(), &c, 1) == 1); }
  [[nodiscard]] char get() const {
    char c = 0;
    CHECK(::read(read.get(), &c, 1) == 1);
    return c;
  }
  UniqueFd read, write;
};

struct RealWorld {
  SystemClock clock;
  Reactor reactor;
  Scheduler scheduler{clock, reactor};
  std::string trace;

  template <class F>
  G& go(F&& f) {
    return **scheduler.spawn(std::forward<F>(f));
  }
};

// Parks the calling G until the descriptor is ready.
void wait_for(Watch& watch, Direction direction) {
  ReadyWait wait(watch, direction, this_g());
  while (!wait.fired()) park(WaitReason::io_wait);
}

// How many descriptors all epoll sets of this process hold.
std::size_t descriptors_in_epoll() {
  namespace fs = std::filesystem;
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;  // The directory's own descriptor.
    if (fs::read_symlink(entry, gone) != "anon_inode:[eventpoll]") continue;
    std::ifstream info("/proc/self/fdinfo/" + entry.path().filename().string());
    for (std::string line; std::getline(info, line);) count += line.rfind("tfd:", 0) == 0 ? 1 : 0;
  }
  return count;
}

}  // namespace

TEST_CASE("a G that waits for a pipe is readied by a write, and the others run meanwhile") {
  RealWorld w;
  Pipe pipe;
  auto watch = *Watch::open(w.reactor, pipe.read.get());
  w.go([&] {
    wait_for(*watch, Direction::read);
    w.trace += pipe.get();
  });
  w.go([&] {
    w.trace += "others-run ";
    pipe.put('x');
  });
  CHECK(w.scheduler.run().end == RunEnd::finished);
  CHECK(w.trace == "others-run x");
}

TEST_CASE("a descriptor that is ready before the wait ends it at once") {
  RealWorld w;
  Pipe pipe;
  pipe.put('1');
  auto watch = *Watch::open(w.reactor, pipe.read.get());
  w.go([&] {
    for (int i = 0; i < 3; ++i) {  // Level, not edge: unread data stays ready.
      wait_for(*watch, Direction::read);
      w.trace += 'r';
    }
  });
  CHECK(w.scheduler.run().end == RunEnd::finished);
  CHECK(w.trace == "rrr");
}

TEST_CASE("a closed writer ends a wait for reading, a closed reader one for writing") {
  RealWorld w;
  Pipe a, b;
  auto read_end = *Watch::open(w.reactor, a.read.get());
  w.go([&] {
    wait_for(*read_end, Direction::read);
    char c;
    CHECK(::read(a.read.get(), &c, 1) == 0);
  });
  while (::write(b.write.get(), "fill", 4) > 0) {
  }
  auto write_end = *Watch::open(w.reactor, b.write.get());
  std::signal(SIGPIPE, SIG_IGN);
  w.go([&] {
    wait_for(*write_end, Direction::write);
    CHECK(::write(b.write.get(), "x", 1) == -1);
  });
  w.go([&] {
    a.write.reset();
    b.read.reset();
  });
  CHECK(w.scheduler.run().end == RunEnd::finished);
}

TEST_CASE("a watch without a duplicate leaves its descriptor open, and to the next watch") {
  RealWorld w;
  Pipe pipe;
  const std::size_t before = descriptors_in_epoll();
  for (const char c : {'1', '2', '3'}) {
    auto watch = *Watch::open_itself(w.reactor, pipe.read.get());
    CHECK(descriptors_in_epoll() == before + 1);
    w.go([&] {
      wait_for(*watch, Direction::read);
      w.trace += pipe.get();
    });
    w.go([&] { pipe.put(c); });
    CHECK(w.scheduler.run().end == RunEnd::finished);
    watch.reset();
    CHECK(descriptors_in_epoll() == before);
  }
  CHECK(w.trace == "123");
}

TEST_CASE("two Gs may watch the same descriptor, each through a watch of its own") {
  RealWorld w;
  Pipe pipe;
  auto first = *Watch::open(w.reactor, pipe.read.get());
  auto second = *Watch::open(w.reactor, pipe.read.get());
  for (Watch* watch : {first.get(), second.get()}) {
    w.go([&w, watch] {
      wait_for(*watch, Direction::read);
      w.trace += 'r';
    });
  }
  w.go([&] { pipe.put('x'); });
  CHECK(w.scheduler.run().end == RunEnd::finished);
  CHECK(w.trace == "rr");
}

TEST_CASE("what epoll does not take, a regular file, is always ready") {
  RealWorld w;
  UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  auto watch = *Watch::open(w.reactor, file.get());
  w.go([&] {
    wait_for(*watch, Direction::read);
    w.trace += "ready";
  });
  CHECK(w.scheduler.run().end == RunEnd::finished);
  CHECK(w.trace == "ready");
}

TEST_CASE("a wait that is given up at a deadline leaves nothing behind") {
  RealWorld w;
  Pipe pipe;
  auto watch = *Watch::open(w.reactor, pipe.read.get());
  w.go([&] {
    {
      ReadyWait wait(*watch, Direction::read, this_g());
      CHECK_FALSE(w.scheduler.park_until(WaitReason::io_wait, now() + milliseconds(2)));
      CHECK_FALSE(wait.fired());
      CHECK(w.reactor.waits() == 1);
    }
    CHECK(w.reactor.waits() == 0);
    pipe.put('x');
    wait_for(*watch, Direction::read);
    w.trace += pipe.get();
  });
  CHECK(w.scheduler.run().end == RunEnd::finished);
  CHECK(w.trace == "x");
}

TEST_CASE("a G that is killed while it waits for I/O leaves nothing behind") {
  RealWorld w;
  Pipe pipe;
  auto watch = *Watch::open(w.reactor, pipe.read.get());
  G& waiter = w.go([&] { wait_for(*watch, Direction::read); });
  w.go([&] { w.scheduler.kill(waiter); });
  CHECK(w.scheduler.run().end == RunEnd::finished);
  CHECK(w.reactor.waits() == 0);
}

TEST_CASE("a wait that nothing can end but I/O is no deadlock, a park that nothing can end is") {
  RealWorld w;
  w.go([] { park(WaitReason::chan_receive); });
  CHECK(w.scheduler.run().end == RunEnd::deadlock);
}

TEST_CASE("a descriptor that is not open can't be watched, and the error says which") {
  RealWorld w;
  const auto watch = Watch::open(w.reactor, 987'654);
  REQUIRE_FALSE(watch.ok());
  CHECK(watch.error().message.find("987654") != std::string::npos);
}

TEST_CASE("a watch that is gone has left epoll, though the watched descriptor is still open") {
  RealWorld w;
  Pipe pipe;
  w.go([&] {
    const std::size_t before = descriptors_in_epoll();
    auto watch = Watch::open(w.reactor, pipe.read.get());
    REQUIRE(watch.ok());
    pipe.put('x');
    wait_for(**watch, Direction::read);
    CHECK(descriptors_in_epoll() == before + 1);
    watch->reset();
    CHECK(descriptors_in_epoll() == before);
  });
  w.scheduler.run();
}

TEST_CASE("another thread readies a parked G and wakes the loop") {
  RealWorld w;
  std::thread other;
  G& g = w.go([&] {
    for (int i = 0; i < 3; ++i) w.scheduler.park_for_outside();
    w.trace += "woken";
  });
  std::atomic<bool> done = false;
  other = std::thread([&] {
    while (!done) w.scheduler.ready_from_outside(g);
  });
  w.go([&] {});
  G& last = w.go([&] { w.scheduler.park_for_outside(); });
  w.go([&] {
    while (w.trace.empty()) yield();
    done = true;
    other.join();
    w.scheduler.ready_from_outside(last);
  });
  CHECK(w.scheduler.run().end == RunEnd::finished);
  CHECK(w.trace == "woken");
}

TEST_CASE("a signal handler readies a parked G and wakes the loop") {
  static RealWorld* world;
  static G* sleeper;
  RealWorld w;
  world = &w;
  sleeper = &w.go([&] {
    w.scheduler.park_for_outside();
    w.trace += "woken by a signal";
  });
  std::signal(SIGUSR1, [](int) { world->scheduler.ready_from_outside(*sleeper); });
  w.go([] { std::raise(SIGUSR1); });
  CHECK(w.scheduler.run().end == RunEnd::finished);
  CHECK(w.trace == "woken by a signal");
  std::signal(SIGUSR1, SIG_DFL);
}

TEST_CASE(
    "the reactor lives on an embedder's io_context, whose handlers run while the loop polls") {
  boost::asio::io_context io;
  SystemClock clock;
  Reactor reactor(io);
  Scheduler scheduler(clock, reactor);
  int handled = 0;
  boost::asio::post(io, [&] { ++handled; });
  CHECK(scheduler
            .spawn([&] {
              while (handled == 0) yield();
              boost::asio::post(io, [&] { ++handled; });
              sleep_for(milliseconds(1));
            })
            .ok());
  CHECK(scheduler.run().end == RunEnd::finished);
  CHECK(handled == 2);
}

TEST_CASE("two schedulers on one io_context: readiness ran a G of one on the other") {
  boost::asio::io_context io;
  SystemClock clock;
  Reactor reactor_a(io);
  Reactor reactor_b(io);
  Scheduler a(clock, reactor_a);
  Scheduler b(clock, reactor_b);
  Pipe pipe;
  auto watch = *Watch::open(reactor_a, pipe.read.get());
  std::string trace;
  CHECK(a.spawn([&] {
           wait_for(*watch, Direction::read);
           trace += scheduler_of_thread == &a ? "on a" : "on b";
         }).ok());
  CHECK(a.spawn([&] { a.stop(); }).ok());
  CHECK(a.run().end == RunEnd::stopped);
  pipe.put('x');
  CHECK(b.spawn([] { sleep_for(milliseconds(1)); }).ok());
  CHECK(b.run().end == RunEnd::finished);
  CHECK(a.run().end == RunEnd::finished);
  CHECK(trace == "on a");
}
