// SPDX-License-Identifier: Apache-2.0
#include "os/wasm/poller.h"

#include <algorithm>
#include <utility>

#include "scheduler/api.h"

namespace weft::wasm {

void TargetPoller::poll(Instant deadline) {
  std::vector<target::Ask> asks;
  for (const Wait* wait : waits_) asks.insert(asks.end(), wait->asks.begin(), wait->asks.end());
  std::int64_t timeout_ns = 0;
  if (!std::exchange(woken_, false) && deadline != Instant::far_past()) {
    const Duration left = deadline - Instant{target::monotonic_ns()};
    timeout_ns = deadline == Instant::far_future() ? -1 : std::max<std::int64_t>(left.ns, 0);
  }
  if (asks.empty() && timeout_ns == 0) return;
  target::wait(asks, timeout_ns);
  std::size_t at = 0;
  for (Wait* wait : std::vector<Wait*>(waits_)) {
    std::copy_n(asks.begin() + static_cast<std::ptrdiff_t>(at), wait->asks.size(),
                wait->asks.begin());
    at += wait->asks.size();
    const bool any = std::any_of(wait->asks.begin(), wait->asks.end(),
                                 [](const target::Ask& ask) { return ask.ready; });
    if (!any) continue;
    wait->fired = true;
    take_back(*wait);
    if (wait->g->is_waiting()) wait->scheduler->ready(*wait->g);
  }
}

void TargetPoller::take_back(Wait& wait) {
  std::erase(waits_, &wait);
}

bool wait_for(TargetPoller& poller, std::vector<target::Ask>& asks, Instant deadline) {
  struct Waits {
    TargetPoller& poller;
    TargetPoller::Wait wait;
    ~Waits() { poller.take_back(wait); }
  } waits{poller, {&this_scheduler(), &this_g(), std::move(asks)}};
  // One without descriptors never fires: it would hide a deadlock.
  if (!waits.wait.asks.empty()) poller.add(waits.wait);
  bool woken = true;
  if (deadline == Instant::far_future()) {
    park(WaitReason::io_wait);
  } else {
    woken = this_scheduler().park_until(WaitReason::io_wait, deadline);
  }
  asks = std::move(waits.wait.asks);
  return waits.wait.fired || woken;
}

}  // namespace weft::wasm
