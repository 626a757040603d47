// SPDX-License-Identifier: Apache-2.0
// How much memory a G takes, before its first run, while it is parked, and after its end: spawns
// many Gs, lets all of them park at once, wakes each once, and prints the resident memory.
//
//   parked_gs [COUNT]       COUNT Gs, 1,000,000 unless told
//
// Ends with 1 when a budget is exceeded, or when a G was not woken exactly once.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "os/clocks.h"
#include "os/reactor.h"
#include "scheduler/api.h"

namespace {

constexpr double kBytesNotRunMax = 200;
constexpr double kBytesParkedMax = 4.2 * 1024;
// What may still be there ten seconds after all have ended.
constexpr double kBytesLeftMax = 64e6;

double resident_bytes() {
  long pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re"); file != nullptr) {
    if (std::fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

int main(int argc, char** argv) {
  using namespace weft;
  const long count = argc > 1 ? std::atol(argv[1]) : 1'000'000;
  SystemClock clock;
  Reactor reactor;
  Scheduler scheduler(clock, reactor);
  std::vector<G*> gs;
  gs.reserve(static_cast<std::size_t>(count));
  long woken = 0;
  const double before = resident_bytes();
  for (long i = 0; i < count; ++i) {
    auto g = scheduler.spawn([&woken] {
      park(WaitReason::semacquire);
      ++woken;
    });
    if (!g) {
      std::fprintf(stderr, "parked_gs: G %ld: %s\n", i, g.error().message.c_str());
      return 1;
    }
    gs.push_back(*g);
  }
  const auto a_g = [&] { return (resident_bytes() - before) / static_cast<double>(count); };
  const double not_run = a_g();
  double parked = 0;
  double left = 0;
  double seconds_left = 0;
  auto waker = scheduler.spawn([&] {
    parked = a_g();
    for (G* g : gs) ready(*g);
    for (int tenths = 0; tenths <= 100; ++tenths) {
      sleep_for(milliseconds(100));
      left = resident_bytes() - before;
      seconds_left = tenths / 10.0;
      if (left <= kBytesLeftMax) break;
    }
  });
  if (!waker || scheduler.run().end != RunEnd::finished) return 1;
  std::printf("%ld Gs: %.0f bytes resident a G before its first run (at most %.0f)\n", count,
              not_run, kBytesNotRunMax);
  std::printf("%ld parked at once: %.0f bytes a G (at most %.0f), %ld woken\n", count, parked,
              kBytesParkedMax, woken);
  std::printf("%.0f MB left %.1f s after their end (at most %.0f after 10 s)\n", left / 1e6,
              seconds_left, kBytesLeftMax / 1e6);
  return woken == count && not_run <= kBytesNotRunMax && parked <= kBytesParkedMax &&
                 left <= kBytesLeftMax
             ? 0
             : 1;
}
