// SPDX-License-Identifier: Apache-2.0
// A program in C++ that kills a G. It must not link where nothing can unwind that G's frames.
#include "os/wasm/poller.h"
#include "scheduler/api.h"

int main() {
  weft::wasm::TargetClock clock;
  weft::wasm::TargetPoller poller;
  weft::Scheduler scheduler{clock, poller};
  const auto sleeper = scheduler.spawn([] { weft::park(weft::WaitReason::semacquire); });
  if (sleeper) scheduler.kill(**sleeper);
  (void)scheduler.run();
}
