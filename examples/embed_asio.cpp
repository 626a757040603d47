// SPDX-License-Identifier: Apache-2.0
// A guest for each connection, inside an ordinary Asio program: the connection is its stdin and
// stdout. `embed_asio GUEST.wasm [N]` prints its port and serves N connections.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <cstdlib>

#include "guest/runtime.h"
#include "signals/tick.h"

namespace asio = boost::asio;
using asio::ip::tcp;

int main(int argc, char** argv) {
  asio::io_context io;
  weft::Runtime runtime(io);
  weft::signals::Tick tick(runtime.scheduler());  // A guest that only computes must yield.
  auto module = runtime.load(argc > 1 ? argv[1] : "guest.wasm");
  if (!module || !tick.start()) {
    std::fprintf(stderr, "%s\n", module ? "no timer" : module.error().message.c_str());
    return 1;
  }
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  std::printf("listening on port %d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);

  int left = argc > 2 ? std::atoi(argv[2]) : 1;
  std::function<void()> accept = [&] {
    acceptor.async_accept([&](boost::system::error_code error, tcp::socket peer) {
      if (error) return;
      const int fd = peer.native_handle();  // The guest gets a duplicate.
      auto guest = runtime.spawn(*module, {.stdin_from = fd, .stdout_to = fd});
      if (!guest) std::fprintf(stderr, "%s\n", guest.error().message.c_str());
      if (--left > 0) accept();
    });
  };
  accept();
  runtime.on_guest_end([](const weft::Guest& guest) {
    std::printf("guest %zu ended with %u\n", guest.number(), guest.end()->exit_code);
  });
  io.run();  // Returns when no connection is awaited and every guest has ended.
}
