// SPDX-License-Identifier: Apache-2.0
// A program in C++ that kills a G, and a task. Neither call may compile where nothing can unwind
// the frames of another G.
#include "os/wasm/poller.h"
#include "scheduler/api.h"
#include "scheduler/sync/task.h"

int main() {
  weft::wasm::TargetClock clock;
  weft::wasm::TargetPoller poller;
  weft::Scheduler scheduler{clock, poller};
  const auto sleeper = scheduler.spawn([] { weft::park(weft::WaitReason::semacquire); });
  if (sleeper) scheduler.kill(**sleeper);
  (void)scheduler.spawn([] {
    weft::task<void> task = weft::spawn([] { weft::park(weft::WaitReason::semacquire); });
    task.kill();
  });
  (void)scheduler.run();
}
