// SPDX-License-Identifier: Apache-2.0
// Green threads on the one thread of a browser's tab: what examples/browser/index.html draws.
//
//   requestAnimationFrame ─▶ page_run(ms): turns of the scheduler until the time is used up
//                         ◀─ page_turns(): how often each thread has run, for its lane
//
// A thread works (counts down) and yields, for ever. page_compare() runs a small load of its own
// under one policy after another and says how long threads waited for their turn, in turns of
// others. page_yield_ns() measures a yield alone.
#include <emscripten.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "os/wasm/poller.h"
#include "scheduler/api.h"
#include "sim/policy.h"

namespace {

struct World {
  weft::wasm::TargetClock clock;
  weft::wasm::TargetPoller poller;
  weft::Scheduler scheduler{clock, poller};
  std::vector<std::uint32_t> turns;
  std::uint32_t work_of_one = 0;
};

std::unique_ptr<World> world;
std::uint32_t work_of_others = 20;

void work(std::uint32_t steps) {
  for (volatile std::uint32_t left = steps; left > 0; left = left - 1) {
  }
}

// Thread 0 is the one of the slider.
void thread(World& w, std::size_t number) {
  for (;;) {
    work(number == 0 ? w.work_of_one : work_of_others);
    ++w.turns[number];
    weft::yield();
  }
}

// How many turns of others lay between two of a thread's own.
struct Gaps {
  std::vector<std::uint64_t> last;
  std::vector<std::uint64_t> longest;
  std::uint64_t now = 0;

  explicit Gaps(std::size_t threads) : last(threads, 0), longest(threads, 0) {}
  void turn(std::size_t thread) {
    ++now;
    longest[thread] = std::max(longest[thread], now - last[thread]);
    last[thread] = now;
  }
  void end() {
    for (std::size_t i = 0; i < last.size(); ++i) longest[i] = std::max(longest[i], now - last[i]);
  }
};

std::string compare(const weft::sim::PolicyInfo& info) {
  constexpr std::size_t kThreads = 100;
  constexpr std::uint64_t kTurns = 50'000;
  World w;
  Gaps gaps(kThreads);
  const auto policy = info.make({std::string(info.name), {}}, 1);
  w.scheduler.set_event_sink(policy.get());
  w.scheduler.set_chooser(policy.get());
  for (std::size_t i = 0; i < kThreads; ++i) {
    (void)w.scheduler.spawn([&gaps, i] {
      while (gaps.now < kTurns) {
        gaps.turn(i);
        weft::yield();
      }
    });
  }
  const double begin = emscripten_get_now();
  (void)w.scheduler.run();
  const double took_ms = emscripten_get_now() - begin;
  gaps.end();
  w.scheduler.set_chooser(nullptr);
  w.scheduler.set_event_sink(nullptr);
  std::sort(gaps.longest.begin(), gaps.longest.end());
  return std::string(info.name) + "\t" + std::to_string(gaps.longest[kThreads / 2]) + "\t" +
         std::to_string(gaps.longest[kThreads - 1]) + "\t" +
         std::to_string(static_cast<int>(took_ms * 1e6 / static_cast<double>(gaps.now))) + "\n";
}

}  // namespace

extern "C" {

EMSCRIPTEN_KEEPALIVE void page_start(int threads) {
  world = std::make_unique<World>();
  World& w = *world;
  w.turns.resize(static_cast<std::size_t>(threads));
  for (std::size_t i = 0; i < w.turns.size(); ++i) {
    (void)w.scheduler.spawn([&w, i] { thread(w, i); });
  }
}

EMSCRIPTEN_KEEPALIVE void page_work(int steps) {
  world->work_of_one = static_cast<std::uint32_t>(steps);
}

// Returns how many switches there were.
EMSCRIPTEN_KEEPALIVE double page_run(double milliseconds) {
  const double end = emscripten_get_now() + milliseconds;
  const std::uint64_t before = world->scheduler.switches();
  do {
    (void)world->scheduler.run_turn(weft::kSwitchesPerLook);
  } while (emscripten_get_now() < end);
  return static_cast<double>(world->scheduler.switches() - before);
}

EMSCRIPTEN_KEEPALIVE std::uint32_t* page_turns() {
  return world->turns.data();
}

// Of so many threads that do nothing else.
EMSCRIPTEN_KEEPALIVE double page_yield_ns(int threads) {
  constexpr std::uint64_t kYields = 1'000'000;
  World w;
  std::uint64_t left = kYields;
  for (int i = 0; i < threads; ++i) {
    (void)w.scheduler.spawn([&left] {
      while (left > 0) {
        --left;
        weft::yield();
      }
    });
  }
  const double begin = emscripten_get_now();
  (void)w.scheduler.run();
  return (emscripten_get_now() - begin) * 1e6 / static_cast<double>(kYields);
}

// A line for each policy: name, median and longest wait, nanoseconds a turn, separated by tabs.
EMSCRIPTEN_KEEPALIVE const char* page_compare() {
  static std::string text;
  text.clear();
  for (const weft::sim::PolicyInfo& info : weft::sim::policies()) text += compare(info);
  return text.c_str();
}
}
