// SPDX-License-Identifier: Apache-2.0
// What an event costs when a trace is written: two Gs that yield to each other, which makes two
// changes of state a yield, with a trace that goes to /dev/null. Without a trace nothing of this is
// installed; `yield/2` is the same yield then.
#include <unistd.h>

#include <cstdio>

#include "bench/world.h"
#include "sim/trace/live_trace.h"
#include "sim/trace/trace_file.h"

namespace weft::bench {
namespace {

void yield_traced(benchmark::State& state, const char* ending) {
  const std::string path = "/tmp/weft-bench-" + std::to_string(::getpid()) + ending;
  if (::symlink("/dev/null", path.c_str()) != 0) return state.SkipWithError("no link in /tmp");
  auto file = sim::TraceFile::open(path);
  (void)std::remove(path.c_str());
  if (!file) return state.SkipWithError("the trace can't be written");
  (*file)->begin();
  World world;
  sim::LiveTrace trace(world.clock, **file, true, {});
  world.scheduler.set_chooser(&trace);
  world.scheduler.set_event_sink(&trace);
  bool done = false;
  std::int64_t yields = 0;
  world.go([&] {
    std::int64_t mine = -1;
    while (!done) {
      yield();
      ++mine;
    }
    yields += mine;
  });
  world.go([&] {
    for (auto _ : state) yield();
    done = true;
    yields += iterations(state);
  });
  world.scheduler.run();
  world.scheduler.set_event_sink(nullptr);
  world.scheduler.set_chooser(nullptr);
  const bool whole = (*file)->close("the benchmark").ok();
  // Two yields an iteration, two events a yield.
  report(state, 4 * iterations(state), whole ? yields : 0, 2 * iterations(state));
}
BENCHMARK_CAPTURE(yield_traced, json, ".json")->Name("event_json");
BENCHMARK_CAPTURE(yield_traced, csv, ".csv")->Name("event_csv");

}  // namespace
}  // namespace weft::bench
