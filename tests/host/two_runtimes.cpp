// SPDX-License-Identifier: Apache-2.0
// Two Runtimes on two threads at the same time, each with its engine, guests, host functions and
// green threads; then one Runtime, and another thread that calls all that it may call: two_runtimes
// ROUNDS. Prints how many guests ran; ends with 1 when one did not. scripts/thread_sanitizer.sh
// runs it under the thread sanitizer, which must find nothing.
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include "guest/engines.h"
#include "guest/runtime.h"
#include "os/wasip1/memory_files.h"
#include "scheduler/api.h"

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

struct Seen {
  std::atomic<int> woken = 0;
  int interrupts = 0;  // This and the rest are of the Runtime's thread.
  int spawned = 0;
  bool failed = false;  // Of the other thread, until it has ended.
};

// What another thread may do with a Runtime: hand work to its loop, and what the headers say "from
// anywhere" of. `waits` lives until the last round has woken it.
void call_from_outside(int rounds, weft::Runtime& runtime, weft::M& m0, weft::G& waits,
                       const std::shared_ptr<weft::Module>& module, Seen& seen) {
  for (int i = 0; i < rounds; ++i) {
    boost::asio::post(runtime.reactor().io(), [&] {
      if (runtime.spawn(module)) ++seen.spawned;
    });
    if (!weft::wasip1::MemoryFiles::make({{"a", "b"}}) || weft::find_engine("jit") == nullptr) {
      seen.failed = true;  // And on: `waits` must be woken each time.
    }
    runtime.scheduler().interrupt();
    weft::Scheduler::preempt_m(m0);
    weft::Scheduler::request_preempt(waits);
    runtime.scheduler().ready_from_outside(waits);
    while (seen.woken.load() == i) std::this_thread::yield();
  }
}

// How many guests ran that another thread has asked for.
int run_with_another_thread(int rounds) {
  boost::asio::io_context io;
  weft::Runtime runtime(io, weft::find_engine("interp")->make({}));
  runtime.define("env", "add", [](std::int32_t n) { return n; });
  auto module = runtime.load_bytes("adds.wasm", std::as_bytes(std::span(kModule)));
  Seen seen;
  runtime.scheduler().on_interrupt([](void* to) { ++static_cast<Seen*>(to)->interrupts; }, &seen);
  auto waits = runtime.scheduler().spawn([&] {
    while (seen.woken.load() < rounds) {
      runtime.scheduler().park_for_outside();
      weft::checkpoint();
      ++seen.woken;
    }
  });
  if (!module || !waits) return 0;
  weft::M& m0 = runtime.scheduler().current_m();
  std::thread outside([&] { call_from_outside(rounds, runtime, m0, **waits, *module, seen); });
  io.run();
  outside.join();
  int well = 0;
  for (const auto& guest : runtime.guests()) {
    if (guest->end() && guest->end()->kind == weft::GuestEnd::Kind::exited) ++well;
  }
  if (seen.failed) std::fprintf(stderr, "the other thread made no file or found no engine\n");
  return !seen.failed && seen.interrupts > 0 && seen.spawned == well ? well : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 10;
  int ran[2] = {};
  std::thread other(run_rounds, rounds, std::ref(ran[1]));
  run_rounds(rounds, ran[0]);
  other.join();
  std::printf("%d and %d guests on two threads\n", ran[0], ran[1]);
  const int asked = run_with_another_thread(rounds * 10);
  std::printf("%d guests that another thread asked for\n", asked);
  const int all = rounds * 2 * kGuests;
  return ran[0] == all && ran[1] == all && asked == rounds * 10 ? 0 : 1;
}
