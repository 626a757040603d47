// SPDX-License-Identifier: Apache-2.0
// The scheduler's Poller on a wasm target: the whole module waits, for the descriptors that Gs wait
// for and until the next deadline. There is nobody else who could wake it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "os/clocks.h"
#include "os/wasm/target.h"
#include "scheduler/poller.h"

namespace weft {
class Scheduler;
struct G;
}  // namespace weft

namespace weft::wasm {

class TargetClock final : public GuestClock {
 public:
  Instant now() override { return {target::monotonic_ns()}; }
  std::int64_t realtime_ns() override { return target::realtime_ns(); }
  [[nodiscard]] bool passes_by_itself() const override { return true; }
};

class TargetPoller final : public Poller {
 public:
  // What one G waits for. It stays where it is until it has fired or is taken back.
  struct Wait {
    Scheduler* scheduler = nullptr;
    G* g = nullptr;
    std::vector<target::Ask> asks;
    bool fired = false;
  };

  void poll(Instant deadline) override;
  [[nodiscard]] std::size_t waits() const override { return waits_.size(); }
  [[nodiscard]] bool is_quiet() const override { return waits_.empty(); }
  void wake() noexcept override { woken_ = true; }

  void add(Wait& wait) { waits_.push_back(&wait); }
  void take_back(Wait& wait);

 private:
  std::vector<Wait*> waits_;
  bool woken_ = false;
};

// Parks the running G until one of the descriptors is ready or the deadline has come, and marks
// those that are. False: the deadline came first. On a G.
bool wait_for(TargetPoller& poller, std::vector<target::Ask>& asks, Instant deadline);

}  // namespace weft::wasm
