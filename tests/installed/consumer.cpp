// SPDX-License-Identifier: Apache-2.0
// A program on an installed weft: a guest that calls a host function, and a native G.
#include <weft/weft.hpp>

#include <cstdio>
#include <span>

// (module (import "env" "seen" (func $seen (param i32)))
//   (import "env" "add" (func $add (param i32 i32) (result i32)))
//   (func (export "_start") (call $seen (call $add (i32.const 2) (i32.const 40)))))
constexpr unsigned char kModule[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x0e, 0x03, 0x60, 0x01, 0x7f, 0x00, 0x60,
    0x02, 0x7f, 0x7f, 0x01, 0x7f, 0x60, 0x00, 0x00, 0x02, 0x16, 0x02, 0x03, 0x65, 0x6e, 0x76, 0x04,
    0x73, 0x65, 0x65, 0x6e, 0x00, 0x00, 0x03, 0x65, 0x6e, 0x76, 0x03, 0x61, 0x64, 0x64, 0x00, 0x01,
    0x03, 0x02, 0x01, 0x02, 0x07, 0x0a, 0x01, 0x06, 0x5f, 0x73, 0x74, 0x61, 0x72, 0x74, 0x00, 0x02,
    0x0a, 0x0c, 0x01, 0x0a, 0x00, 0x41, 0x02, 0x41, 0x28, 0x10, 0x01, 0x10, 0x00, 0x0b};

int main() {
  weft::Runtime runtime(weft::find_engine("interp")->make({}));
  runtime.define("env", "add", [](std::int32_t a, std::int32_t b) { return a + b; });
  runtime.define("env", "seen",
                 [](std::int32_t sum) { std::printf("a guest called add(2, 40) = %d\n", sum); });
  auto module = runtime.load_bytes("adds.wasm", std::as_bytes(std::span(kModule)));
  if (!module) return std::fprintf(stderr, "%s\n", module.error().message.c_str()), 1;
  weft::chan<int> done = weft::make_chan<int>();
  auto guest = runtime.spawn(*module, {.on_end = [&](weft::Guest&) { done.close(); }});
  auto g = runtime.scheduler().spawn([&] {
    (void)done.recv();
    std::printf("a G of its own\n");
  });
  return guest && g && runtime.run().end == weft::RunEnd::finished ? 0 : 1;
}
