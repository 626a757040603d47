// SPDX-License-Identifier: Apache-2.0
// Two Runtimes on two threads at the same time, each with its engine, guests, host functions and
// green threads: two_runtimes ROUNDS. Prints how many guests ran; ends with 1 when one did not.
// scripts/thread_sanitizer.sh runs it under the thread sanitizer, which must find nothing.
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include "guest/engines.h"
#include "guest/runtime.h"

namespace {

// (module (import "env" "add" (func $add (param i32) (result i32)))
//   (func (export "_start") (drop (call $add (i32.const 2)))))
constexpr unsigned char kModule[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x09, 0x02, 0x60, 0x01, 0x7f, 0x01,
    0x7f, 0x60, 0x00, 0x00, 0x02, 0x0b, 0x01, 0x03, 0x65, 0x6e, 0x76, 0x03, 0x61, 0x64, 0x64,
    0x00, 0x00, 0x03, 0x02, 0x01, 0x01, 0x07, 0x0a, 0x01, 0x06, 0x5f, 0x73, 0x74, 0x61, 0x72,
    0x74, 0x00, 0x01, 0x0a, 0x09, 0x01, 0x07, 0x00, 0x41, 0x02, 0x10, 0x00, 0x1a, 0x0b};
constexpr int kGuests = 4;

// One round of one thread: how many guests have called add(2) and ended well.
int run_guests(const char* engine) {
  weft::Runtime runtime(weft::find_engine(engine)->make({}));
  int sum = 0;
  runtime.define("env", "add", [&sum](std::int32_t n) {
    weft::yield();
    return sum += n;
  });
  auto module = runtime.load_bytes("adds.wasm", std::as_bytes(std::span(kModule)));
  if (!module) return std::fprintf(stderr, "%s\n", module.error().message.c_str()), 0;
  for (int i = 0; i < kGuests; ++i) {
    if (!runtime.spawn(*module)) return 0;
  }
  auto turns = runtime.scheduler().spawn([] {
    for (int i = 0; i < 100; ++i) weft::yield();
  });
  if (!turns || runtime.run().end != weft::RunEnd::finished) return 0;
  int well = 0;
  for (const auto& guest : runtime.guests()) {
    if (guest->end()->kind == weft::GuestEnd::Kind::exited) ++well;
  }
  return sum == 2 * kGuests ? well : 0;
}

void run_rounds(int rounds, int& ran) {
  for (int i = 0; i < rounds; ++i) {
    for (const char* engine : {"interp", "jit"}) ran += run_guests(engine);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 10;
  int ran[2] = {};
  std::thread other(run_rounds, rounds, std::ref(ran[1]));
  run_rounds(rounds, ran[0]);
  other.join();
  std::printf("%d and %d guests on two threads\n", ran[0], ran[1]);
  const int all = rounds * 2 * kGuests;
  return ran[0] == all && ran[1] == all ? 0 : 1;
}
