// Idle costs nothing: many Gs sleep, and the process uses next to no CPU meanwhile.
//
//   idle_cpu [GS [SECONDS]]       10,000 Gs for 5 s unless told
//
// Ends with 1 when they used 20 ms or more between falling asleep and waking up.
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

}  // namespace

int main(int argc, char** argv) {
  using namespace weft;
  const long count = argc > 1 ? std::atol(argv[1]) : 10'000;
  const long seconds_asleep = argc > 2 ? std::atol(argv[2]) : 5;
  constexpr double kMsMax = 20;
  SystemClock clock;
  Reactor reactor;
  Scheduler scheduler(clock, reactor);
  double asleep_at = 0;
  double woken_at = 0;
  const Instant wake = clock.now() + seconds(seconds_asleep);
  // The first to wake reads what was used; the others then only wake up.
  auto first = scheduler.spawn([&] {
    sleep_until(wake + nanoseconds(-1));
    woken_at = cpu_ms();
  });
  if (!first) return 1;
  for (long i = 1; i < count; ++i) {
    if (!scheduler.spawn([wake] { sleep_until(wake); })) return 1;
  }
  if (!scheduler.spawn([&] { asleep_at = cpu_ms(); })) return 1;
  if (scheduler.run().end != RunEnd::finished) return 1;
  const double used = woken_at - asleep_at;
  std::printf("%ld Gs asleep for %ld s used %.2f ms of CPU (limit %.0f ms)\n", count,
              seconds_asleep, used, kMsMax);
  return used < kMsMax ? 0 : 1;
}
