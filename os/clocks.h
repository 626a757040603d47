// SPDX-License-Identifier: Apache-2.0
// The clocks of the scheduler and the guests.
//
// Monotonic time starts at an arbitrary point and never steps; realtime is nanoseconds since
// 1970-01-01 UTC and may step. In production both are the system's; in tests both stand still until
// the test moves them.
//
// From: any thread for SystemClock; one thread for ManualClock. Not in signal handlers.
#pragma once

#include <time.h>

#include <cstdint>

#include "scheduler/poller.h"

namespace weft {

// A Clock that also knows the realtime: what a guest can ask for.
class GuestClock : public Clock {
 public:
  // Nanoseconds since the Unix epoch.
  virtual std::int64_t realtime_ns() = 0;
  // Does time pass while guests compute? If not, their CPU time follows from the fuel they use.
  [[nodiscard]] virtual bool passes_by_itself() const { return false; }
};

// The clocks of the system: CLOCK_MONOTONIC and CLOCK_REALTIME.
class SystemClock final : public GuestClock {
 public:
  // The monotonic time; a system call where the kernel has no vDSO.
  Instant now() override { return {read(CLOCK_MONOTONIC)}; }
  std::int64_t realtime_ns() override { return read(CLOCK_REALTIME); }
  [[nodiscard]] bool passes_by_itself() const override { return true; }

 private:
  static std::int64_t read(clockid_t id) {
    timespec ts{};
    ::clock_gettime(id, &ts);
    return ts.tv_sec * 1'000'000'000 + ts.tv_nsec;
  }
};

// Stands still until advance() or set(). Monotonic and realtime move together.
class ManualClock final : public GuestClock {
 public:
  // Where both stand at first; the realtime in nanoseconds since 1970.
  explicit ManualClock(Instant start = {0}, std::int64_t realtime_at_start_ns = 0)
      : now_(start), realtime_offset_ns_(realtime_at_start_ns - start.ns) {}

  // Where it stands; the read is counted.
  Instant now() override {
    ++reads_;
    return now_;
  }
  std::int64_t realtime_ns() override { return now_.ns + realtime_offset_ns_; }

  // Moves the time on by d.
  void advance(Duration d) { now_ = now_ + d; }
  // Moves the time to t; does nothing when t has passed.
  void advance_to(Instant t) {
    if (t > now_) now_ = t;
  }

  // How often now() was called.
  [[nodiscard]] std::uint64_t reads() const { return reads_; }

 private:
  Instant now_;
  std::int64_t realtime_offset_ns_;
  std::uint64_t reads_ = 0;
};

}  // namespace weft
