// SPDX-License-Identifier: Apache-2.0
// Preemption: the sysmon that Go's runtime lacks on wasm. A goroutine that has had the thread for
// 10 ms is made to give way at the start of the next function that it calls (guest/go/lure.h).
// Whether others are runnable is for the runtime to see: it also looks at its timers then.
// For tests it does so at each so many-th prologue, too (guest/go/each_prologue.h).
#pragma once

#include <unordered_set>

#include "guest/go/each_prologue.h"
#include "guest/go/lure.h"
#include "guest/go/steering.h"

namespace weft::guest::go {

// As Go's forcePreemptNS.
inline constexpr Duration kGoroutineSlice = milliseconds(10);

// Of one guest.
class Preemption final : public Steering {
 public:
  // The module must outlive it.
  explicit Preemption(const GoModule& module) : runtime_(module.runtime), lure_(module.runtime) {}

  void entered(Entry entry, std::uint32_t sp, std::uint32_t g,
               wasip1::Memory memory) noexcept override;
  void ran(Duration time, wasip1::Memory memory) noexcept override;

  [[nodiscard]] const Preemption* preemption() const override { return this; }
  // The guest's runtime, of the module.
  [[nodiscard]] const GoRuntime& runtime() const { return runtime_; }
  // How many times a goroutine was made to give way.
  [[nodiscard]] std::uint64_t count() const { return count_; }
  // How long the running goroutine has been asked to give way and has called no function.
  [[nodiscard]] Duration waits() const {
    return lure_.is_set() ? Duration{had_.ns - kGoroutineSlice.ns} : Duration{};
  }

 private:
  void at_prologue(std::uint32_t g, wasip1::Memory memory);

  const std::uint32_t each_ = prologues_to_give_way();
  const GoRuntime& runtime_;
  Lure lure_;
  Duration had_;        // So long the running goroutine has had the thread.
  bool asked_ = false;  // It has found stackPreempt in its prologue.
  std::uint64_t count_ = 0;
  std::uint32_t seen_ = 0;  // Prologues since the last that asked.
  // Those that begin with the same prologue again when they next get the thread.
  std::unordered_set<std::uint32_t> begin_again_;
};

}  // namespace weft::guest::go
