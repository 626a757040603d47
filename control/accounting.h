// SPDX-License-Identifier: Apache-2.0
// Accounting: how long each guest has had the thread, how often, and how long it waited for it. An
// event sink that is there only while somebody asks (two clock reads a switch); the sums are kept
// when it is taken out.
//
//   first question ─▶ install ─▶ every switch is counted ─▶ nobody has asked for kIdle ─▶ remove
//
// It passes events on to the sink that it found, and to a trace that was started later.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "guest/runtime.h"

namespace weft {
class CpuMeter;
}

namespace weft::control {

// Waits by their length: four steps for each doubling, from 1 ns to 2^40 ns.
class WaitHistogram {
 public:
  void add(Duration wait);
  // The upper end of the step in which this part of all waits ends; 0 <= part <= 1. 0: no waits.
  [[nodiscard]] Duration quantile(double part) const;
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::int64_t sum_ns() const { return sum_ns_; }

 private:
  static constexpr std::size_t kSteps = 4 * 41;
  std::array<std::uint32_t, kSteps> steps_{};
  std::uint64_t count_ = 0;
  std::int64_t sum_ns_ = 0;
};

class Accounting final : public EventSink {
 public:
  struct Row {
    Duration on_cpu;
    std::uint64_t switches = 0;
    WaitHistogram waits;  // From runnable to running.
    Instant since;        // Of its last change of state, when that was seen.
    bool is_seen = false;
  };

  // The scheduler and the clock must outlive it.
  Accounting(Scheduler& scheduler, Clock& clock) : scheduler_(scheduler), clock_(clock) {}
  ~Accounting() override { remove(); }
  Accounting(const Accounting&) = delete;
  Accounting& operator=(const Accounting&) = delete;

  // Nothing happens when it is there already.
  void install();
  // False: another sink stands in front of it, and it stays, for now.
  bool remove();
  // Gets all events from now on; nullptr: none does. While it is installed.
  void tell(EventSink* trace) { trace_ = trace; }

  [[nodiscard]] const Row& of(const Guest& guest) { return rows_[guest.number()]; }
  [[nodiscard]] bool is_installed() const { return installed_; }

  void on_event(const GEvent& event) noexcept override;
  void on_m_event(const MEvent& event) noexcept override;

 private:
  Scheduler& scheduler_;
  Clock& clock_;
  EventSink* behind_ = nullptr;
  std::shared_ptr<CpuMeter> meter_;  // When that is behind it: it must not go first.
  EventSink* trace_ = nullptr;
  bool installed_ = false;
  std::unordered_map<std::size_t, Row> rows_;  // By the guest's number.
};

}  // namespace weft::control
