// SPDX-License-Identifier: Apache-2.0
// An echo server on one thread: a G for each connection. Prints its port, serves N connections.
#include <arpa/inet.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/unique_fd.h"
#include "os/clocks.h"
#include "os/reactor.h"
#include "scheduler/sync/program.h"
#include "scheduler/sync/wait_group.h"

// Repeats call() while it would block, and parks this G until the descriptor is ready in between.
template <class F>
ssize_t until_ready(weft::Watch& watch, weft::Direction direction, F call) {
  for (;;) {
    const ssize_t result = call();
    if (result >= 0 || errno != EAGAIN) return result;
    weft::ReadyWait wait(watch, direction, weft::this_g());
    while (!wait.fired()) weft::park(weft::WaitReason::io_wait);
  }
}

static void echo(weft::Reactor& reactor, int fd) {
  const auto watch = std::move(*weft::Watch::open(reactor, fd));
  char data[4096];
  const auto receive = [&] { return ::recv(fd, data, sizeof data, 0); };
  for (ssize_t got; (got = until_ready(*watch, weft::Direction::read, receive)) > 0;) {
    for (ssize_t sent = 0, n = 0; sent < got && n >= 0; sent += n) {
      const auto rest = [&] { return ::send(fd, data + sent, size_t(got - sent), MSG_NOSIGNAL); };
      n = until_ready(*watch, weft::Direction::write, rest);
    }
  }
}

int main(int argc, char** argv) {
  weft::SystemClock clock;
  weft::Reactor reactor;
  weft::Scheduler scheduler{clock, reactor};
  return weft::run_main(scheduler, [&reactor, connections = argc > 1 ? std::atoi(argv[1]) : 1] {
    const weft::UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ::listen(listener.get(), 128);  // Binds it to a port of the system's choice.
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
    std::printf("listening on port %d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    const auto watch = std::move(*weft::Watch::open(reactor, listener.get()));
    const auto accept = [&] { return ::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK); };
    weft::wait_group served;
    for (int i = 0; i < connections; ++i) {
      weft::UniqueFd peer(static_cast<int>(until_ready(*watch, weft::Direction::read, accept)));
      served.go([&reactor, fd = std::move(peer)] { echo(reactor, fd.get()); });
    }
    served.wait();
  });
}
