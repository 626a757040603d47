// SPDX-License-Identifier: Apache-2.0
// A world for tests of the port: World, with a process whose output is a pipe, and a port on it.
//
//   PortWorld w;                       // or w(Port::strict())
//   w.m([&] { port::usleep_no_g(5); w.say("woke"); });
//   CHECK(w.run() == "woke");
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "os/port/all.h"
#include "tests/unit/world.h"

namespace weft::test {

// Both ends of a pipe that never blocks; what is written fits in.
struct Output {
  Output() {
    int fds[2];
    WEFT_CHECK(::pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0, "a test has no pipe");
    read_end.reset(fds[0]);
    write_end.reset(fds[1]);
  }
  std::string text() {
    char buffer[4096];
    const ssize_t n = ::read(read_end.get(), buffer, sizeof buffer);
    return {buffer, n > 0 ? static_cast<std::size_t>(n) : 0};
  }
  UniqueFd read_end;
  UniqueFd write_end;
};

inline std::unique_ptr<wasip1::Process> make_process(Reactor& reactor, GuestClock& clock,
                                                     int stdout_fd) {
  wasip1::ProcessConfig config;
  config.args = {"prog", "-v", ""};
  config.env = {"HOME=/", "EMPTY="};
  config.stdin_fd = -1;
  config.stdout_fd = stdout_fd;
  config.stderr_fd = -1;
  auto made = wasip1::Process::create(reactor, clock, std::move(config));
  WEFT_CHECK(made.ok(), "a test could not make a process");
  return std::move(*made);
}

struct PortWorld : World {
  explicit PortWorld(const Port::Config& config = Port::emulated())
      : process(make_process(reactor, clock, output.write_end.get())),
        port(scheduler, *process, config) {}

  // A thread of its own that runs body.
  M& m(std::function<void()> body) {
    bodies.push_back(std::make_unique<std::function<void()>>(std::move(body)));
    return *port::newosproc([](void* f) { (*static_cast<std::function<void()>*>(f))(); },
                            bodies.back().get());
  }
  // Runs f on a G, to the end of everything.
  template <class F>
  void on_g(F&& f) {
    go("test", std::forward<F>(f));
    run();
  }

  Output output;
  Reactor reactor;  // The process's; the scheduler waits in its FakePoller.
  std::unique_ptr<wasip1::Process> process;
  std::vector<std::unique_ptr<std::function<void()>>> bodies;
  Port port;
};

}  // namespace weft::test
