// SPDX-License-Identifier: Apache-2.0
// How much memory a parked G takes: parks many Gs at once, wakes each once, and prints the resident
// memory a G.
//
//   parked_gs [COUNT]       COUNT Gs, 1,000,000 unless told
//
// Ends with 1 when a G takes more than the budget of 4.5 KiB, or when one was not woken exactly
// once.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "os/clocks.h"
#include "os/reactor.h"
#include "scheduler/api.h"

namespace {

constexpr double kBytesPerGMax = 4.5 * 1024;

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
  double per_g = 0;
  auto waker = scheduler.spawn([&] {
    per_g = (resident_bytes() - before) / static_cast<double>(count);
    for (G* g : gs) ready(*g);
  });
  if (!waker || scheduler.run().end != RunEnd::finished) return 1;
  std::printf("%ld Gs parked at once, %ld woken, %.0f bytes resident a G (budget %.0f)\n", count,
              woken, per_g, kBytesPerGMax);
  return woken == count && per_g <= kBytesPerGMax ? 0 : 1;
}
