// SPDX-License-Identifier: Apache-2.0
#include "os/turns.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/unique_fd.h"
#include "os/clocks.h"
#include "os/wasip1/device.h"
#include "scheduler/api.h"
#include "scheduler/sync/chan.h"

using namespace weft;
namespace asio = boost::asio;

namespace {

struct Embedded {
  asio::io_context io;
  SystemClock clock;
  Reactor reactor{io};
  Scheduler scheduler{clock, reactor};
  Turns turns{scheduler, reactor};
  std::string trace;

  template <class F>
  G& go(F&& f) {
    return **scheduler.spawn(std::forward<F>(f));
  }
};

}  // namespace

TEST_CASE("Gs run in the embedder's loop, which returns when all have ended") {
  Embedded e;
  e.go([&] {
    e.trace += "a1 ";
    yield();
    e.trace += "a2 ";
  });
  e.go([&] { e.trace += "b "; });
  CHECK(e.trace.empty());
  e.io.run();
  CHECK(e.trace == "a1 b a2 ");
  CHECK(e.turns.last().end == RunEnd::finished);
  CHECK(e.scheduler.live() == 0);
}

TEST_CASE("a loop without a G returns at once") {
  Embedded e;
  e.io.run();
  CHECK(e.io.stopped());
}

TEST_CASE("an endless yielder leaves the loop to the other handlers after each turn") {
  Embedded e;
  std::uint64_t yields = 0;
  bool done = false;
  e.go([&] {
    while (!done) {
      ++yields;
      yield();
    }
  });
  int handlers = 0;
  std::uint64_t most = 0;
  std::uint64_t before = 0;
  std::function<void()> handler = [&] {
    most = std::max(most, yields - before);
    before = yields;
    done = ++handlers == 100;
    if (!done) asio::post(e.io, handler);
  };
  asio::post(e.io, handler);
  e.io.run();
  CHECK(handlers == 100);
  CHECK(most <= kSwitchesPerTurn + 1);
  CHECK(yields >= 99);
}

TEST_CASE("a G that sleeps is woken by the loop's own timer, in the order of deadlines") {
  Embedded e;
  const Instant start = e.clock.now();
  e.go([&] {
    sleep_until(start + milliseconds(6));
    e.trace += "second ";
  });
  e.go([&] {
    sleep_until(start + milliseconds(3));
    e.trace += "first ";
  });
  e.io.run();
  CHECK(e.trace == "first second ");
  CHECK(e.clock.now() >= start + milliseconds(6));
}

TEST_CASE("a handler that spawns, or readies a G, gives it a turn") {
  Embedded e;
  auto words = make_chan<std::string>();
  e.go([&] {
    for (const std::string& word : words) e.trace += word + " ";
  });
  G& parked = e.go([&] {
    park(WaitReason::none);
    words.send("readied");
    words.close();
  });
  asio::steady_timer later(e.io, std::chrono::milliseconds(1));
  later.async_wait([&](auto) {
    e.go([&] { words.send("spawned"); });
    asio::post(e.io, [&] { asio::post(e.io, [&] { e.scheduler.ready(parked); }); });
  });
  e.io.run();
  CHECK(e.trace == "spawned readied ");
}

TEST_CASE("a G waits for a pipe that a handler of the same loop writes") {
  Embedded e;
  int fds[2];
  REQUIRE(::pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0);
  UniqueFd read_end(fds[0]);
  UniqueFd write_end(fds[1]);
  auto watch = *Watch::open(e.reactor, read_end.get());
  e.go([&] {
    ReadyWait wait(*watch, Direction::read, this_g());
    while (!wait.fired()) park(WaitReason::io_wait);
    char c = 0;
    CHECK(::read(read_end.get(), &c, 1) == 1);
    e.trace += c;
  });
  asio::steady_timer later(e.io, std::chrono::milliseconds(1));
  later.async_wait([&](auto) { CHECK(::write(write_end.get(), "x", 1) == 1); });
  e.io.run();
  CHECK(e.trace == "x");
}

TEST_CASE("another thread readies a G through the loop") {
  Embedded e;
  G& waits = e.go([&] {
    e.scheduler.park_for_outside();
    e.trace += "readied";
  });
  std::thread other([&] { e.scheduler.ready_from_outside(waits); });
  e.io.run();
  other.join();
  CHECK(e.trace == "readied");
}

TEST_CASE("Gs that wait for each other let the loop return, and go on when a handler helps") {
  Embedded e;
  auto never = make_chan<int>();
  e.go([&] {
    (void)never.recv();
    e.trace += "helped";
  });
  e.io.run();
  CHECK(e.turns.last().end == RunEnd::deadlock);
  CHECK(e.scheduler.live() == 1);
  e.io.restart();
  asio::post(e.io, [&] { e.go([&] { never.close(); }); });
  e.io.run();
  CHECK(e.trace == "helped");
  CHECK(e.turns.last().end == RunEnd::finished);
}

TEST_CASE("an exception that leaves a G leaves the loop, and the others go on with the next run") {
  Embedded e;
  e.go([] { throw std::runtime_error("from a G"); });
  e.go([&] {
    yield();
    e.trace += "other";
  });
  CHECK_THROWS_WITH_AS(e.io.run(), "from a G", std::runtime_error);
  e.io.run();
  CHECK(e.trace == "other");
}

TEST_CASE("run() on the same loop runs its handlers as well, and leaves it able to end") {
  Embedded e;
  bool handled = false;
  asio::post(e.io, [&] { handled = true; });
  e.go([&] {
    sleep_for(milliseconds(1));
    e.trace += "slept";
  });
  CHECK(e.turns.run().end == RunEnd::finished);
  CHECK(e.trace == "slept");
  CHECK(handled);
  e.io.restart();
  e.io.run();  // Returns: nothing of weft is left in it.
}

TEST_CASE("a handler that was queued when the turns ended finds nothing") {
  asio::io_context io;
  {
    SystemClock clock;
    Reactor reactor{io};
    Scheduler scheduler{clock, reactor};
    Turns turns{scheduler, reactor};
    (void)scheduler.spawn([] { sleep_for(seconds(3600)); });
    io.poll();
    turns.soon();
    scheduler.interrupt();
  }
  io.restart();
  io.run();
}

TEST_CASE("an event sink sees the same events in turns and between them") {
  struct Count final : EventSink {
    int runnable = 0;
    void on_event(const GEvent& event) noexcept override {
      runnable += event.to == GState::runnable ? 1 : 0;
    }
  } count;
  Embedded e;
  e.scheduler.set_event_sink(&count);
  G& waits = e.go([] { park(WaitReason::none); });
  e.io.poll();
  e.scheduler.ready(waits);
  e.io.restart();
  e.io.run();
  CHECK(count.runnable == 2);
}

TEST_CASE("a device is woken by an Asio handler, and its guest goes on") {
  struct Line final : wasip1::Device {
    bool full = false;
    wasip1::Errno read(std::span<const iovec>, std::size_t& n) override {
      n = 0;
      return full ? wasip1::Errno::success : wasip1::Errno::again;
    }
    wasip1::Errno write(std::span<const iovec>, std::size_t&) override {
      return wasip1::Errno::badf;
    }
    State state(Direction) override { return {.ready = full, .hangup = false, .bytes = 0}; }
    void fill() {
      full = true;
      wake(Direction::read);
    }
  } line;
  Embedded e;
  e.go([&] {
    std::size_t n = 1;
    while (line.read({}, n) == wasip1::Errno::again) {
      const wasip1::DeviceWait wait(line, Direction::read, this_g());
      park(WaitReason::none);
    }
    e.trace += "read";
  });
  asio::steady_timer timer(e.io, std::chrono::milliseconds(1));
  timer.async_wait([&](const boost::system::error_code&) { line.fill(); });
  e.io.run();
  CHECK(e.trace == "read");
}
