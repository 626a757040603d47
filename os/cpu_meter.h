// SPDX-License-Identifier: Apache-2.0
// CpuMeter: how much CPU time a G has used, for guests that ask.
//
//   clock_time_get(2 or 3) ─▶ CpuMeter::of_thread ─ watch(g) ─▶ event sink of the scheduler
//                                                     g gets the thread: the thread's CPU clock
//                                                     g leaves it: the difference is g's
//
// Counting reads a clock twice, by system calls, each time such a G gets the thread, and looks the
// G up at every switch. So it begins when a G first asks, and ends with the last such G. The time
// that a G used before that is exact when it was the only G; else it is the sum of the preemption
// ticks that found it running (signals/tick.h): right on average, to 10 ms.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "base/instant.h"
#include "scheduler/event.h"

namespace weft {

class Scheduler;

// The CPU time of this thread.
[[nodiscard]] Duration cpu_time_of_thread();

class CpuMeter final : public EventSink {
 public:
  // That of the scheduler that runs on this thread; lives as long as somebody has it.
  static std::shared_ptr<CpuMeter> of_thread();
  ~CpuMeter() override;
  CpuMeter(const CpuMeter&) = delete;
  CpuMeter& operator=(const CpuMeter&) = delete;

  // Counts for the running G from now on. `begin`: the thread's CPU time when it was made.
  void watch(const G& g, Duration begin);
  void forget(const G& g) { rows_.erase(&g); }
  // Of the running G, which is watched.
  [[nodiscard]] Duration used_by(const G& g) const;

  void on_event(const GEvent& event) noexcept override;
  void on_m_event(const MEvent& event) noexcept override;

 private:
  struct Row {
    Duration used;
    Duration since;  // While it runs: the thread's CPU time when it got it.
  };

  explicit CpuMeter(Scheduler& scheduler);

  Scheduler& scheduler_;
  EventSink* const behind_;  // Who watched before.
  std::unordered_map<const G*, Row> rows_;
};

}  // namespace weft
