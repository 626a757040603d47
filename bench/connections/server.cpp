// SPDX-License-Identifier: Apache-2.0
// examples/embed/server.cpp without its wait for a database and without a line for each guest, for
// bench/connections.py; and the same server without guests:
//
//   server guest GUEST.wasm [ENGINE]    a guest for each connection, which has its descriptor
//   server streams GUEST.wasm [ENGINE]  the same; it reads and writes by functions of the server
//   server plain                        two handlers of Asio's for each connection
//
// lookup() parks the guest until the loop comes round, as a cache in the process would answer. The
// plain server goes round the loop once, too.
#include <weft/asio.hpp>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

std::uint32_t lookup(weft::Caller& caller, std::uint32_t key, std::uint32_t key_bytes,
                     std::uint32_t to, std::uint32_t room) {
  asio::post(caller.guest().runtime().reactor().io(), weft::use_park);
  const std::string value = "the value of " + std::string(caller.text(key, key_bytes));
  const std::size_t size = std::min<std::size_t>(value.size(), room);
  std::memcpy(caller.bytes(to, room).data(), value.data(), size);
  return static_cast<std::uint32_t>(size);
}

struct Streams {
  weft::Stdio from;
  weft::Stdio to;
};

Streams descriptors(const std::shared_ptr<tcp::socket>& socket) {
  return {.from = socket->native_handle(), .to = socket->native_handle()};
}

// They cost no descriptor beside the socket's own. An error is the end of the input; what is
// written then is dropped.
Streams functions(const std::shared_ptr<tcp::socket>& socket) {
  const auto read = [socket](std::span<std::byte> room) {
    boost::system::error_code error;
    return socket->async_read_some(asio::buffer(room.data(), room.size()), weft::use_park[error]);
  };
  const auto write = [socket](std::string_view bytes) {
    boost::system::error_code error;
    asio::async_write(*socket, asio::buffer(bytes), weft::use_park[error]);
  };
  return {.from = weft::from_callback(read), .to = weft::to_callback(write)};
}

void serve(weft::Runtime& runtime, const std::shared_ptr<weft::Module>& module, tcp::socket peer,
           Streams (&streams)(const std::shared_ptr<tcp::socket>&)) {
  const auto socket = std::make_shared<tcp::socket>(std::move(peer));
  const auto ended = [&runtime, socket](weft::Guest& guest) {
    const weft::GuestEnd& end = *guest.end();
    if (end.kind == weft::GuestEnd::Kind::trapped) {
      std::fprintf(stderr, "a guest ended: %s\n", weft::name(end.trap.kind));
    }
    socket->close();
    runtime.forget(guest);
  };
  Streams of_guest = streams(socket);
  auto guest = runtime.spawn(
      module,
      {.stdin_from = std::move(of_guest.from),
       .stdout_to = std::move(of_guest.to),
       .stderr_to = -1,
       .use = {.sizes = {.memory_bytes = 16 << 20, .descriptors = 16}, .time = weft::seconds(600)},
       .on_end = ended});
  if (!guest) return void(std::fprintf(stderr, "%s\n", guest.error().message.c_str()));
  socket->async_wait(tcp::socket::wait_error, [&runtime, socket, guest = *guest](auto error) {
    if (!error && socket->is_open()) runtime.kill(*guest);
  });
}

class Plain : public std::enable_shared_from_this<Plain> {
 public:
  explicit Plain(tcp::socket socket) : socket_(std::move(socket)) {}

  void read() {
    asio::async_read_until(socket_, asio::dynamic_buffer(line_, 256), '\n',
                           [self = shared_from_this()](auto error, std::size_t bytes) {
                             if (error) return;
                             asio::post(self->socket_.get_executor(),
                                        [self, bytes] { self->answer(bytes); });
                           });
  }

 private:
  void answer(std::size_t bytes) {
    value_ = "the value of " + line_.substr(0, bytes);
    line_.erase(0, bytes);
    asio::async_write(socket_, asio::buffer(value_),
                      [self = shared_from_this()](auto error, std::size_t) {
                        if (!error) self->read();
                      });
  }

  tcp::socket socket_;
  std::string line_;
  std::string value_;
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&](auto error, tcp::socket peer) {
    if (!error) std::make_shared<Plain>(std::move(peer))->read();
    accept(acceptor);
  });
}

void listening(const tcp::acceptor& acceptor) {
  std::printf("listening on port %d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 64;
  asio::io_context io(1);
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  acceptor.listen(4096);
  if (std::string_view(argv[1]) == "plain") {
    accept(acceptor);
    listening(acceptor);
    io.run();
    return 0;
  }
  if (argc < 3) return 64;
  const weft::EngineRow* engine = weft::find_engine(argc > 3 ? argv[3] : "auto");
  if (engine == nullptr) return 64;
  weft::Runtime runtime(io, engine->make({}));
  runtime.define("app", "lookup", lookup);
  auto module = runtime.load(argv[2]);
  if (!module) return std::fprintf(stderr, "%s\n", module.error().message.c_str()), 1;
  listening(acceptor);
  auto& streams = std::string_view(argv[1]) == "streams" ? functions : descriptors;
  auto accepts = runtime.scheduler().spawn([&] {
    for (;;) serve(runtime, *module, acceptor.async_accept(weft::use_park), streams);
  });
  if (accepts) io.run();
}
