// SPDX-License-Identifier: Apache-2.0
// GuestTimes: how often and how long each guest had the thread, and how long it slept or waited. An
// event sink, so it costs something only while it is installed: two clock reads a switch.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "guest/runtime.h"

namespace weft {

class GuestTimes final : public EventSink {
 public:
  struct Times {
    Duration on_cpu;             // The thread was its own.
    Duration asleep;             // Parked: sleeping, or waiting for I/O.
    Instant since;               // Of its last change of state.
    std::uint64_t switches = 0;  // How often it was given the thread.
  };

  // The clock must outlive this.
  explicit GuestTimes(Clock& clock) : clock_(clock) {}

  void on_event(const GEvent& event) noexcept override {
    if (event.g.owner == nullptr) return;
    Times& times = times_[static_cast<const Guest*>(event.g.owner)];
    const Instant now = clock_.now();
    const Duration spent = now - times.since;
    if (event.to == GState::running) ++times.switches;
    if (event.from == GState::running) times.on_cpu.ns += spent.ns;
    if (event.from == GState::waiting) times.asleep.ns += spent.ns;
    times.since = now;
  }

  // Zeros for a guest that has not run.
  [[nodiscard]] Times of(const Guest& guest) const {
    const auto it = times_.find(&guest);
    return it == times_.end() ? Times{} : it->second;
  }

 private:
  Clock& clock_;
  std::unordered_map<const Guest*, Times> times_;
};

}  // namespace weft
