// SPDX-License-Identifier: Apache-2.0
// A program on an installed weft that waits for the ends of guests as for any operation of Asio's:
// parked, in a coroutine, by a future, and by a handler; for one that has ended, too.
#include <weft/asio.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>

namespace asio = boost::asio;

// (module (import "env" "code" (func $code (result i32)))
//   (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
//   (memory (export "memory") 1)
//   (func (export "_start") (call $exit (call $code))))
constexpr unsigned char kModule[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x0c, 0x03, 0x60, 0x00, 0x01, 0x7f, 0x60,
    0x01, 0x7f, 0x00, 0x60, 0x00, 0x00, 0x02, 0x2f, 0x02, 0x03, 0x65, 0x6e, 0x76, 0x04, 0x63, 0x6f,
    0x64, 0x65, 0x00, 0x00, 0x16, 0x77, 0x61, 0x73, 0x69, 0x5f, 0x73, 0x6e, 0x61, 0x70, 0x73, 0x68,
    0x6f, 0x74, 0x5f, 0x70, 0x72, 0x65, 0x76, 0x69, 0x65, 0x77, 0x31, 0x09, 0x70, 0x72, 0x6f, 0x63,
    0x5f, 0x65, 0x78, 0x69, 0x74, 0x00, 0x01, 0x03, 0x02, 0x01, 0x02, 0x05, 0x03, 0x01, 0x00, 0x01,
    0x07, 0x13, 0x02, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x06, 0x5f, 0x73, 0x74,
    0x61, 0x72, 0x74, 0x00, 0x02, 0x0a, 0x08, 0x01, 0x06, 0x00, 0x10, 0x00, 0x10, 0x01, 0x0b};

weft::Guest& spawn(weft::Runtime& runtime, const std::shared_ptr<weft::Module>& module) {
  auto guest = runtime.spawn(module);
  if (guest) return **guest;
  std::fprintf(stderr, "%s\n", guest.error().message.c_str());
  std::exit(1);
}

asio::awaitable<void> co_wait(weft::Guest& guest) {
  const weft::GuestEnd end = co_await guest.async_wait(asio::use_awaitable);
  std::printf("a coroutine: %u\n", end.exit_code);
}

int main() {
  asio::io_context io;
  weft::Runtime runtime(io, weft::find_engine("interp")->make({}));
  runtime.define("env", "code", [last = std::uint32_t{0}]() mutable {
    weft::sleep_for(weft::milliseconds(1));
    return ++last;
  });
  auto module = runtime.load_bytes("exits.wasm", std::as_bytes(std::span(kModule)));
  if (!module) return std::fprintf(stderr, "%s\n", module.error().message.c_str()), 1;
  auto& parked = spawn(runtime, *module);
  auto waits = runtime.scheduler().spawn([&] {
    const weft::GuestEnd end = parked.async_wait(weft::use_park);
    std::printf("parked: %u\n", end.exit_code);
    const weft::GuestEnd again = parked.async_wait(weft::use_park);
    std::printf("parked, of one that has ended: %u\n", again.exit_code);
  });
  if (!waits) return 1;
  io.run();

  asio::co_spawn(io, co_wait(spawn(runtime, *module)), asio::detached);
  io.restart();
  io.run();

  auto future = spawn(runtime, *module).async_wait(asio::use_future);
  io.restart();
  io.run();
  std::printf("a future: %u\n", future.get().exit_code);

  // A handler that can't be copied; the guest is killed meanwhile.
  auto& killed = spawn(runtime, *module);
  killed.async_wait([owned = std::make_unique<int>(7)](const weft::GuestEnd& end) {
    std::printf("a handler with its %d: %s\n", *owned,
                end.kind == weft::GuestEnd::Kind::killed ? "killed" : "not killed");
  });
  runtime.kill(killed);
  io.restart();
  io.run();
}
