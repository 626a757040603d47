// SPDX-License-Identifier: Apache-2.0
#include "os/use_park.h"

#include <doctest/doctest.h>
#include <malloc.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <string>

#include "os/clocks.h"
#include "os/reactor.h"
#include "os/turns.h"

using namespace weft;
namespace asio = boost::asio;
using Local = asio::local::stream_protocol;
using asio::ip::tcp;

namespace {

// A scheduler with a loop of its own.
struct Own {
  SystemClock clock;
  Reactor reactor;
  Scheduler scheduler{clock, reactor};
  asio::io_context& io = reactor.io();
  std::string trace;

  template <class F>
  G& go(F&& f) {
    return **scheduler.spawn(std::forward<F>(f));
  }
  void run() { CHECK(scheduler.run().end == RunEnd::finished); }
};

}  // namespace

TEST_CASE("a G that waits for a timer is parked, and the others run") {
  Own own;
  own.go([&] {
    asio::steady_timer timer(own.io, std::chrono::milliseconds(5));
    own.trace += "waits ";
    timer.async_wait(use_park);
    own.trace += "over";
  });
  own.go([&] { own.trace += "other "; });
  own.run();
  CHECK(own.trace == "waits other over");
}

TEST_CASE("an operation ends beside Gs that always run") {
  Own own;
  bool done = false;
  own.go([&] {
    asio::steady_timer timer(own.io, std::chrono::milliseconds(1));
    timer.async_wait(use_park);
    done = true;
  });
  own.go([&] {
    while (!done) yield();
  });
  own.run();
  CHECK(done);
}

TEST_CASE("composed operations on sockets move everything, one G at each end") {
  Own own;
  Local::socket a(own.io);
  Local::socket b(own.io);
  asio::local::connect_pair(a, b);
  constexpr std::size_t kBytes = 1 << 20;  // More than a socket's buffers have.
  std::size_t written = 0;
  std::string got(kBytes, '\0');
  own.go([&] { written = asio::async_write(a, asio::buffer(std::string(kBytes, 'x')), use_park); });
  own.go([&] { CHECK(asio::async_read(b, asio::buffer(got), use_park) == kBytes); });
  own.run();
  CHECK(written == kBytes);
  CHECK(got == std::string(kBytes, 'x'));
}

TEST_CASE("resolve, connect and accept park, on a resolver, a composed operation and an acceptor") {
  Own own;
  tcp::acceptor acceptor(own.io, {asio::ip::address_v4::loopback(), 0});
  const auto port = std::to_string(acceptor.local_endpoint().port());
  own.go([&] {
    tcp::socket peer = acceptor.async_accept(use_park);
    asio::async_write(peer, asio::buffer("hello", 5), use_park);
  });
  own.go([&] {
    tcp::resolver resolver(own.io);
    const auto found = resolver.async_resolve("127.0.0.1", port, use_park);
    tcp::socket socket(own.io);
    const tcp::endpoint to = asio::async_connect(socket, found, use_park);
    CHECK(to.port() == acceptor.local_endpoint().port());
    std::array<char, 5> text{};
    asio::async_read(socket, asio::buffer(text), use_park);
    own.trace.assign(text.data(), text.size());
  });
  own.run();
  CHECK(own.trace == "hello");
}

TEST_CASE("an error is thrown, or stored where the token says, or part of a tuple") {
  Own own;
  // Of a socket whose other end is closed. A new one each time: Asio waits for ever where the end
  // was read before.
  const auto read = [&](auto token) {
    Local::socket a(own.io);
    Local::socket b(own.io);
    asio::local::connect_pair(a, b);
    b.close();
    char byte = 0;
    return asio::async_read(a, asio::buffer(&byte, 1), token);
  };
  own.go([&] {
    CHECK_THROWS_AS(read(use_park), boost::system::system_error);
    boost::system::error_code error;
    CHECK(read(use_park[error]) == 0);
    CHECK(error == asio::error::eof);
    error = {};
    CHECK(read(asio::redirect_error(use_park, error)) == 0);
    CHECK(error == asio::error::eof);
    const auto [code, n] = read(asio::as_tuple(use_park));
    CHECK(code == asio::error::eof);
    CHECK(n == 0);
  });
  own.run();
}

TEST_CASE("a kill cancels the operation, and its buffer lives until Asio has let go of it") {
  Own own;
  Local::socket a(own.io);
  Local::socket b(own.io);
  asio::local::connect_pair(a, b);
  G& reads = own.go([&] {
    struct Note {
      std::string& trace;
      ~Note() { trace += "unwound "; }
    } note{own.trace};
    std::array<char, 4096> buffer{};
    asio::async_read(a, asio::buffer(buffer), use_park);
    own.trace += "never";
  });
  G& sleeps = own.go([&] {
    asio::steady_timer timer(own.io, std::chrono::hours(1));
    timer.async_wait(use_park);
    own.trace += "never";
  });
  own.go([&] {
    yield();
    own.scheduler.kill(reads);
    own.scheduler.kill(reads);
    own.scheduler.kill(sleeps);
    asio::async_write(b, asio::buffer("late", 4), use_park);
  });
  own.run();
  CHECK(own.trace == "unwound ");
}

TEST_CASE("a kill of a G that resolves waits for the resolver, which can't be cancelled") {
  Own own;
  G& resolves = own.go([&] {
    struct Note {
      std::string& trace;
      ~Note() { trace += "unwound"; }
    } note{own.trace};
    tcp::resolver resolver(own.io);
    resolver.async_resolve("127.0.0.1", "80", use_park);
    own.trace += "never ";
  });
  own.go([&] { own.scheduler.kill(resolves); });
  own.run();
  CHECK(own.trace == "unwound");
}

TEST_CASE("a scheduler that dies ends the operations that its Gs wait for") {
  std::string trace;
  {
    Own own;
    own.go([&] {
      struct Note {
        std::string& trace;
        ~Note() { trace += "unwound"; }
      } note{trace};
      asio::steady_timer timer(own.io, std::chrono::hours(1));
      timer.async_wait(use_park);
    });
    own.go([&] { own.scheduler.stop(); });
    CHECK(own.scheduler.run().end == RunEnd::stopped);
  }
  CHECK(trace == "unwound");
}

TEST_CASE("in the embedder's loop a G waits for the embedder's objects") {
  asio::io_context io;
  SystemClock clock;
  Reactor reactor(io);
  Scheduler scheduler(clock, reactor);
  Turns turns(scheduler, reactor);
  bool over = false;
  asio::steady_timer timer(io, std::chrono::milliseconds(5));
  REQUIRE(scheduler
              .spawn([&] {
                timer.async_wait(use_park);
                over = true;
              })
              .ok());
  io.run();
  CHECK(over);
}

TEST_CASE("a million operations leave no memory behind") {
#if defined(WEFT_ASAN)
  constexpr int kOperations = 20'000;
#else
  constexpr int kOperations = 1'000'000;
#endif
  Own own;
  std::size_t before = 0;
  std::size_t after = 0;
  own.go([&] {
    asio::steady_timer timer(own.io);
    Local::socket a(own.io);
    Local::socket b(own.io);
    asio::local::connect_pair(a, b);
    std::array<char, 4> bytes{};
    for (int i = 0; i < kOperations; ++i) {
      if (i == kOperations / 10) before = ::mallinfo2().uordblks;
      if (i % 4 == 0) {
        asio::post(own.io, use_park);
      } else if (i % 4 == 1) {
        asio::async_write(a, asio::buffer(bytes), use_park);
      } else if (i % 4 == 2) {
        asio::async_read(b, asio::buffer(bytes), use_park);
      } else {
        timer.expires_after(std::chrono::nanoseconds(0));
        timer.async_wait(use_park);
      }
    }
    after = ::mallinfo2().uordblks;
  });
  own.run();
  CHECK(after == before);
}
