// SPDX-License-Identifier: Apache-2.0
// What a debugger looks at: 1,000 Gs that wait for a channel, ten that are runnable, and one that
// stops the process for the debugger. tests/host/gdb_gs.py drives it.
#include <csignal>
#include <string>

#include "os/clocks.h"
#include "os/reactor.h"
#include "scheduler/api.h"
#include "scheduler/sync/chan.h"

namespace {

constexpr int kWaiting = 1'000;
constexpr int kRunnable = 10;

[[gnu::noinline]] int wait_for_news(weft::chan<int> news) {
  const int told = news.recv().value_or(0);
  return told + 1;
}

[[gnu::noinline]] int gives_way() {
  weft::this_scheduler().yield();
  return 1;
}

[[gnu::noinline]] void look_here() {
  std::raise(SIGTRAP);
}

}  // namespace

int main() {
  weft::SystemClock clock;
  weft::Reactor reactor;
  // gdb's generate-core-file leaves out a whole piece of memory around each page that is guarded by
  // madvise; the kernel's own core files do not.
  weft::Scheduler scheduler(clock, reactor, {.guard = weft::GuardKind::mprotect});
  auto news = weft::make_chan<int>();
  for (int i = 0; i < kWaiting; ++i)
    (void)scheduler.spawn([news] { (void)wait_for_news(news); }, {.name = "waits"});
  for (int i = 0; i < kRunnable; ++i)
    (void)scheduler.spawn([] { (void)gives_way(); }, {.name = "gives way"});
  (void)scheduler.spawn([] { look_here(); }, {.name = "looks"});
  (void)scheduler.run();
  return 0;
}
