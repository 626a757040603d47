// SPDX-License-Identifier: Apache-2.0
// A guest for each connection, in an ordinary Asio program, on an installed weft:
//
//   c++ -std=c++20 server.cpp -o server $(pkg-config --cflags --libs weft)
//   ./server guest.wasm
//
// The connection is the guest's stdin and stdout. Its only other door is lookup(), which waits as a
// database would: that parks this guest, and the others run. It has limits, and is killed when its
// client is gone.
#include <weft/asio.hpp>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

namespace asio = boost::asio;
using asio::ip::tcp;

// lookup(key, key_bytes, to, room): the value of a key, as far as there is room. Returns its size.
std::uint32_t lookup(weft::Caller& caller, std::uint32_t key, std::uint32_t key_bytes,
                     std::uint32_t to, std::uint32_t room) {
  asio::steady_timer database(caller.guest().runtime().reactor().io());
  database.expires_after(std::chrono::milliseconds(20));
  database.async_wait(weft::use_park);
  const std::string value = "the value of " + std::string(caller.text(key, key_bytes));
  const std::size_t size = std::min<std::size_t>(value.size(), room);
  std::memcpy(caller.bytes(to, room).data(), value.data(), size);
  return static_cast<std::uint32_t>(size);
}

void serve(weft::Runtime& runtime, const std::shared_ptr<weft::Module>& module, tcp::socket peer) {
  const auto socket = std::make_shared<tcp::socket>(std::move(peer));
  const auto ended = [&runtime, socket](weft::Guest& guest) {
    const weft::GuestEnd& end = *guest.end();
    const char* how[] = {"exited", weft::name(end.trap.kind), "killed"};
    std::printf("guest %zu: %s\n", guest.number(), how[static_cast<int>(end.kind)]);
    std::fflush(stdout);
    socket->close();
    runtime.forget(guest);
  };
  const int fd = socket->native_handle();  // The guest gets a duplicate.
  auto guest = runtime.spawn(
      module,
      {.stdin_from = fd,
       .stdout_to = fd,
       .stderr_to = -1,
       .use = {.sizes = {.memory_bytes = 16 << 20, .descriptors = 16, .output_bytes = 1 << 14},
               .time = weft::seconds(60)},
       .on_end = ended});
  if (!guest) return void(std::fprintf(stderr, "%s\n", guest.error().message.c_str()));
  // Its client is gone: so is what it asks for.
  socket->async_wait(tcp::socket::wait_error, [&runtime, socket, guest = *guest](auto error) {
    if (!error && socket->is_open()) runtime.kill(*guest);
  });
}

int main(int argc, char** argv) {
  asio::io_context io;
  weft::Runtime runtime(io, weft::find_engine("auto")->make({}));
  runtime.define("app", "lookup", lookup);
  auto module = runtime.load(argc > 1 ? argv[1] : "guest.wasm");
  if (!module) return std::fprintf(stderr, "%s\n", module.error().message.c_str()), 1;
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  std::printf("listening on port %d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  auto accepts = runtime.scheduler().spawn([&] {
    for (;;) serve(runtime, *module, acceptor.async_accept(weft::use_park));
  });
  if (accepts) io.run();
}
