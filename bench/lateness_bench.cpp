// SPDX-License-Identifier: Apache-2.0
// How late a ticker is beside a guest that never gives way, and beside one that yields after turns
// of some microseconds, on each engine; and beside a native G that yields after such turns and
// passes no checkpoint in between.
//
// They run for ever. A native G sleeps from tick to tick, looks at how late it woke, and then ends
// them. --benchmark_min_time=10 for a thousand ticks.
#include <memory>
#include <string>

#include "bench/guest_engines.h"
#include "bench/histogram.h"
#include "bench/world.h"
#include "guest/runtime.h"

namespace weft::bench {
namespace {

constexpr Duration kTick = milliseconds(10);
constexpr int kTicksEach = 100;
const std::vector<std::int64_t> kTurnsUs = {1, 10, 80, 300, 1'000, 10'000};

// Sleeps from tick to tick. A tick that is due before the last one has been is left out.
void tick(benchmark::State& state, Histogram& late) {
  Instant due = now() + kTick;
  for (auto _ : state) {
    for (int i = 0; i < kTicksEach; ++i) {
      sleep_until(due);
      const Instant woke = now();
      late.record((woke - due).ns);
      while (due <= woke) due = due + kTick;
    }
  }
}

// An operation is a tick: times are how late it was, in ns.
void ticks_beside_turns(benchmark::State& state) {
  const Duration turn = microseconds(state.range(0));
  LiveWorld world;
  Histogram late;
  bool done = false;
  world.go([&] {
    while (!done) {
      const Instant end = now() + turn;
      while (now() < end) {
      }
      yield();
    }
  });
  world.go([&] {
    tick(state, late);
    done = true;
  });
  world.scheduler.run();
  report(state, late.count(), iterations(state) * kTicksEach);
  report_distribution(state, late);
}
BENCHMARK(ticks_beside_turns)->Name("ticks_beside_turns")->ArgsProduct({kTurnsUs})->UseRealTime();

// The same, beside a guest that never ends.
void ticks_beside(benchmark::State& state, const EngineRow& engine, const std::string& file,
                  const std::vector<std::string>& args) {
  refused.clear();
  const auto runtime = std::make_unique<Runtime>(make(engine));
  const auto module = runtime->load(WEFT_BENCH_GUESTS "/" + file);
  if (!module) return state.SkipWithError(module.error().message.c_str());
  if (!refused.empty()) return state.SkipWithError(refused.c_str());
  const auto guest = runtime->spawn(*module, {.args = args});
  if (!guest) return state.SkipWithError("no memory for a guest");
  Histogram late;
  const auto ticker = [&] {
    tick(state, late);
    runtime->scheduler().kill(*(*guest)->g());
  };
  if (!runtime->scheduler().spawn(ticker)) std::abort();
  runtime->run();
  report(state, late.count(), iterations(state) * kTicksEach);
  report_distribution(state, late);
  if ((*guest)->end()->kind != GuestEnd::Kind::killed) state.SkipWithError("the guest ended");
}

void register_lateness_benchmarks() {
  for (const EngineRow& engine : engines()) {
    const std::string loop = std::string("guest/ticks_beside_a_loop/") + engine.name;
    benchmark::RegisterBenchmark(loop.c_str(), [engine](benchmark::State& state) {
      ticks_beside(state, engine, "spins.wasm", {});
    })->UseRealTime();
    const std::string turns = std::string("guest/ticks_beside_turns/") + engine.name;
    benchmark::RegisterBenchmark(turns.c_str(),
                                 [engine](benchmark::State& state) {
                                   ticks_beside(state, engine, "turns.wasm",
                                                {"turns", std::to_string(state.range(0))});
                                 })
        ->ArgsProduct({kTurnsUs})
        ->UseRealTime();
  }
}
const bool lateness_benchmarks_registered = (register_lateness_benchmarks(), true);

}  // namespace
}  // namespace weft::bench
