// SPDX-License-Identifier: Apache-2.0
// What guests cost: a sched_yield of one of several, and a call of a host function, on each engine;
// and such a call when it is written into a recording, beside one that is not.
//
// `times_native` is the ratio to a yield of as many native Gs, measured before and after in
// the same run; `native_ns` is what one of those takes.
//
// The guests run for ever. A native G sleeps, and looks at how often they had the thread meanwhile;
// then it ends them.
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "bench/guest_engines.h"
#include "bench/world.h"
#include "guest/runtime.h"
#include "sim/record/recorder.h"

namespace weft::bench {

std::string refused;

std::vector<EngineRow> engines() {
  std::vector<EngineRow> found;
  for (const EngineRow& row : engine_rows()) {
#if defined(WEFT_ASAN) || defined(WEFT_TSAN)
    if (row.makes_machine_code) continue;
#endif
    if (row.is_fixed) found.push_back(row);
  }
  return found;
}

std::unique_ptr<Engine> make(const EngineRow& engine) {
  EngineOptions options;
  options.aot.cache_folder = WEFT_BENCH_GUESTS "/aot-cache";
  options.aot.say = [](std::string_view line) { refused = line; };
  return engine.make(std::move(options));
}

namespace {

constexpr std::int64_t kCallsPerYield = 1'000;  // In bench/guests/calls.wat.

double cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

// What a yield of one of so many native Gs takes, in ns: 2,000,000 of them.
double native_yield_ns(std::int64_t gs) {
  const std::int64_t rounds = 2'000'000 / gs;
  World world;
  for (std::int64_t i = 0; i < gs; ++i) {
    world.go([rounds] {
      for (std::int64_t round = 0; round < rounds; ++round) yield();
    });
  }
  const double before = cpu_ns();
  world.scheduler.run();
  return (cpu_ns() - before) / static_cast<double>(rounds * gs);
}

// The turns of all guests together, and a few of the G that measures.
std::int64_t turns(Runtime& runtime) {
  return static_cast<std::int64_t>(runtime.scheduler().switches());
}

// An operation is each_turn of what the module does between two yields. With a recorder the first
// guest's calls are recorded.
void run_guests(benchmark::State& state, const EngineRow& engine, const char* file,
                std::int64_t guests, std::int64_t each_turn, sim::Recorder* recorder = nullptr) {
  refused.clear();
  const auto runtime = std::make_unique<Runtime>(make(engine));
  const auto module = runtime->load(std::string(WEFT_BENCH_GUESTS "/") + file);
  if (!module) return state.SkipWithError(module.error().message.c_str());
  if (!refused.empty()) return state.SkipWithError(refused.c_str());
  for (std::int64_t i = 0; i < guests; ++i) {
    GuestOptions options;
    if (recorder != nullptr) options.hook = &recorder->next_hook();
    if (!runtime->spawn(*module, std::move(options))) {
      return state.SkipWithError("no memory for a guest");
    }
  }
  std::int64_t before = 0;
  std::int64_t after = 0;
  double cpu = 0;
  const auto measure = [&] {
    sleep_for(milliseconds(1));  // All have started.
    before = turns(*runtime);
    const double cpu_before = cpu_ns();
    // One iteration is a window, in which turns are counted. Its end may cut a turn in two, which
    // then counts twice: so it is long beside a turn.
    for (auto _ : state) sleep_for(milliseconds(50));
    cpu = cpu_ns() - cpu_before;
    after = turns(*runtime);
    for (const auto& guest : runtime->guests()) runtime->scheduler().kill(*guest->g());
  };
  if (!runtime->scheduler().spawn(measure)) std::abort();
  const double native_before = native_yield_ns(guests);
  runtime->run();
  const double native = (native_before + native_yield_ns(guests)) / 2;
  const std::int64_t operations = (after - before) * each_turn;
  report(state, operations, operations);
  if (each_turn == 1) state.counters["native_ns"] = native;
  if (each_turn == 1)
    state.counters["times_native"] = cpu / static_cast<double>(operations) / native;
  if (operations == 0) state.SkipWithError("the guests did not run");
  for (const auto& guest : runtime->guests()) {
    if (guest->end()->kind != GuestEnd::Kind::killed) state.SkipWithError("a guest ended early");
  }
}

// To a file, which is gone when it is closed.
void run_recorded(benchmark::State& state, const EngineRow& engine) {
  const std::string path = "/tmp/weft-bench-" + std::to_string(::getpid()) + ".record";
  SystemClock clock;
  auto recorder = sim::Recorder::open(path, clock);
  if (!recorder) return state.SkipWithError(recorder.error().message.c_str());
  (*recorder)->begin({});
  (void)std::remove(path.c_str());
  run_guests(state, engine, "clock.wasm", 1, kCallsPerYield, recorder->get());
  if (!(*recorder)->close(0)) state.SkipWithError("the recording can't be written");
}

void register_guest_benchmarks() {
  for (const EngineRow& engine : engines()) {
    for (const std::int64_t guests : {2, 1'000}) {
      const std::string name =
          std::string("guest/yield/") + engine.name + "/" + std::to_string(guests);
      benchmark::RegisterBenchmark(name.c_str(), [engine, guests](benchmark::State& state) {
        run_guests(state, engine, "yields.wasm", guests, 1);
      });
    }
    const auto each_call = [engine](const char* what, auto run) {
      benchmark::RegisterBenchmark((std::string(what) + engine.name).c_str(), run);
    };
    each_call("guest/host_call/", [engine](benchmark::State& state) {
      run_guests(state, engine, "calls.wasm", 1, kCallsPerYield);
    });
    each_call("guest/clock_call/", [engine](benchmark::State& state) {
      run_guests(state, engine, "clock.wasm", 1, kCallsPerYield);
    });
    each_call("guest/clock_call_recorded/",
              [engine](benchmark::State& state) { run_recorded(state, engine); });
  }
}
const bool guest_benchmarks_registered = (register_guest_benchmarks(), true);

}  // namespace
}  // namespace weft::bench
