// SPDX-License-Identifier: Apache-2.0
// What a guest costs from its making to its end: runtime.spawn(), its run, and all that is given
// back. One after the other, so that each finds what the last one left: a warm pool of instances,
// memories, stacks and descriptors.
//
//   empty   a module with a memory whose _start returns at once
//   c       tests/guests/c/hello.c, with wasi-libc: prints a line and returns
#include <fcntl.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "bench/guest_engines.h"
#include "bench/world.h"
#include "guest/runtime.h"

namespace weft::bench {
namespace {

std::string path_of(const std::string& guest) {
  if (guest != "c") return std::string(WEFT_BENCH_GUESTS "/") + guest + ".wasm";
  const char* folder = std::getenv("WEFT_GUESTS");
  return std::string(folder != nullptr ? folder : WEFT_TEST_GUESTS) + "/c_hello.wasm";
}

GuestOptions options(const UniqueFd& null) {
  return {.stdin_from = null.get(), .stdout_to = null.get(), .stderr_to = null.get()};
}

// Runs one guest. False when it did not end as it should.
bool run_one(Runtime& runtime, const std::shared_ptr<Module>& module, const UniqueFd& null) {
  auto guest = runtime.spawn(module, options(null));
  if (!guest || runtime.run().end != RunEnd::finished) return false;
  const GuestEnd& end = *(*guest)->end();
  return end.kind == GuestEnd::Kind::exited && end.exit_code == 0;
}

void instances(benchmark::State& state, const EngineRow& engine, const std::string& guest) {
  refused.clear();
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  Runtime runtime(make(engine));
  const auto module = runtime.load(path_of(guest));
  if (!module) return state.SkipWithError(module.error().message.c_str());
  if (!refused.empty()) return state.SkipWithError(refused.c_str());
  std::int64_t good = run_one(runtime, *module, null) ? 0 : -1;
  for (auto _ : state) good += run_one(runtime, *module, null) ? 1 : 0;
  report(state, iterations(state), good);
}

void register_instance_benchmarks() {
  for (const EngineRow& engine : engines()) {
    for (const char* guest : {"empty", "c"}) {
      const std::string name = std::string("guest/instance/") + engine.name + "/" + guest;
      benchmark::RegisterBenchmark(name.c_str(), [engine, guest](benchmark::State& state) {
        instances(state, engine, guest);
      });
    }
  }
}
const bool instance_benchmarks_registered = (register_instance_benchmarks(), true);

}  // namespace
}  // namespace weft::bench
