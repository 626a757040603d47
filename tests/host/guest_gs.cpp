// SPDX-License-Identifier: Apache-2.0
// What a debugger looks at: guests that sleep, and one that computes for ever, on one engine.
// tests/host/gdb_guests.py drives it: guest_gs ENGINE SLEEPS.wasm COUNT SPINS.wasm
//
// Prints a line when all COUNT sleep. Anybody may trace it.
#include <sys/prctl.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "guest/engines.h"
#include "guest/runtime.h"

namespace {

void spawn(weft::Runtime& runtime, const char* file, int count) {
  auto module = runtime.load(file);
  if (!module) {
    std::fprintf(stderr, "%s\n", module.error().message.c_str());
    std::exit(1);
  }
  for (int i = 0; i < count; ++i) {
    if (!runtime.spawn(*module)) std::exit(1);
  }
}

bool all_sleep(weft::Runtime& runtime, int count) {
  int asleep = 0;
  for (const auto& guest : runtime.guests()) {
    if (guest->g() != nullptr && guest->g()->is_waiting()) ++asleep;
  }
  return asleep >= count;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  ::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  const weft::EngineRow* row = weft::find_engine(argv[1]);
  if (row == nullptr) return 2;
  // 1,000 memories with guard pages are 8 TiB of address space, of which gdb writes a core file.
  auto engine = row->make({.aot = {.bounds = weft::Bounds::check}});
  if (engine == nullptr) return 2;
  // gdb's generate-core-file leaves out memory around pages that are guarded by madvise.
  weft::Runtime runtime(weft::RuntimeOptions{.guard = weft::GuardKind::mprotect},
                        std::move(engine));
  const int count = std::atoi(argv[3]);
  spawn(runtime, argv[2], count);
  spawn(runtime, argv[4], 1);
  (void)runtime.scheduler().spawn(
      [&] {
        while (!all_sleep(runtime, count)) weft::yield();
        std::puts("all sleep");
        std::fflush(stdout);
      },
      {.name = "looks"});
  runtime.run();
  return 0;
}
