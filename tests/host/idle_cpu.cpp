// SPDX-License-Identifier: Apache-2.0
// Idle costs nothing: many Gs sleep, and the process uses next to no CPU meanwhile.
//
//   idle_cpu [GS [SECONDS]]       10,000 Gs for 5 s unless told
//
// Ends with 1 when they used 20 ms or more while all of them were asleep, in each of three rounds:
// other load on the machine can only add to it.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>

#include "os/clocks.h"
#include "os/reactor.h"
#include "scheduler/api.h"

namespace {

double cpu_ms() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

// CPU time in ms from when the last G fell asleep to just before the first of them wakes; waking
// is work, not idling. Below 0 when a run failed.
double ms_used_asleep(long gs, std::int64_t seconds_asleep) {
  using namespace weft;
  SystemClock clock;
  Reactor reactor;
  Scheduler scheduler(clock, reactor);
  double asleep_at = 0;
  double woken_at = 0;
  const Instant observed = clock.now() + seconds(seconds_asleep);
  const Instant wake = observed + milliseconds(200);
  const auto observe = [&] {
    sleep_until(observed);
    woken_at = cpu_ms();
  };
  if (!scheduler.spawn(observe)) return -1;
  for (long i = 1; i < gs; ++i) {
    if (!scheduler.spawn([wake] { sleep_until(wake); })) return -1;
  }
  if (!scheduler.spawn([&] { asleep_at = cpu_ms(); })) return -1;
  if (scheduler.run().end != RunEnd::finished) return -1;
  return woken_at - asleep_at;
}

}  // namespace

int main(int argc, char** argv) {
  const long gs = argc > 1 ? std::atol(argv[1]) : 10'000;
  const long seconds_asleep = argc > 2 ? std::atol(argv[2]) : 5;
  constexpr double kMsMax = 20;
  constexpr int kRounds = 3;
  for (int round = 0; round < kRounds; ++round) {
    const double used = ms_used_asleep(gs, seconds_asleep);
    if (used < 0) return 1;
    std::printf("%ld Gs asleep for %ld s used %.2f ms of CPU (limit %.0f ms)\n", gs, seconds_asleep,
                used, kMsMax);
    if (used < kMsMax) return 0;
  }
  return 1;
}
