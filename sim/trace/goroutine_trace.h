// SPDX-License-Identifier: Apache-2.0
// GoroutineTrace: tells a trace when goroutines of a Go guest change their states.
//
//   engine ── entered(), ran() ─▶ GoroutineTrace ─▶ what steers the goroutines
//                                      │ a goroutine gets the thread; the guest leaves it
//                                      ▼
//              states of all goroutines in the guest's memory ── changes ─▶ GoroutineListener
//
// At each switch it looks at the two goroutines concerned, the one that had the thread and the one
// that gets it; and at all of them at each so many-th, so that a switch costs the same in a guest
// with many. What changes between two looks is told at the second: a goroutine that was made ready.
// What it remembers is bounded: kLanesMax goroutines at once, and one that has ended is forgotten.
// It is there only while a trace is written; when that begins later than the guest, all goroutines
// are looked at first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "guest/go/goroutine_list.h"
#include "guest/go/steering.h"
#include "scheduler/g_state.h"
#include "scheduler/poller.h"

namespace weft::sim {

// A goroutine is now in another state.
struct GoroutineEvent {
  Instant at;  // On the run's clock.
  std::size_t guest = 0;
  std::string_view guest_name;
  std::uint64_t goroutine = 0;
  std::string_view function;        // What its go statement called.
  GState state = GState::runnable;  // As that of a G; dead: it has ended.
  std::string_view wait_reason;     // waiting: "chan receive".
};

class GoroutineListener {
 public:
  virtual ~GoroutineListener() = default;
  // Views hold during the call.
  virtual void on_goroutine(const GoroutineEvent& event) noexcept = 0;
  // The guest has so many goroutines that some are not told of. Once for each guest.
  virtual void on_goroutines_left_out(std::size_t guest, std::string_view guest_name) noexcept = 0;
};

class GoroutineTrace final : public guest::go::Steering {
 public:
  static constexpr std::uint64_t kLanesMax = 100'000;  // At once; others are left out.
  // For each switch, so many looks: with no more goroutines, each switch looks at all.
  static constexpr std::uint64_t kLooksPerSwitch = 16;

  // Of the guest on this G. Module, clock and listener must outlive it.
  GoroutineTrace(const guest::go::GoModule& module, std::size_t guest, std::string_view guest_name,
                 Clock& clock, GoroutineListener& listener,
                 std::unique_ptr<guest::go::Steering> behind)
      : runtime_(module.runtime),
        guest_(guest),
        guest_name_(guest_name),
        clock_(clock),
        listener_(listener),
        behind_(std::move(behind)) {}

  void entered(guest::go::Entry entry, std::uint32_t sp, std::uint32_t g,
               wasip1::Memory memory) noexcept override;
  void ran(Duration time, wasip1::Memory memory) noexcept override { behind_->ran(time, memory); }
  void see(const std::span<std::byte>* memory) override;
  std::unique_ptr<guest::go::Steering> take_behind() override { return std::move(behind_); }
  [[nodiscard]] const guest::go::Preemption* preemption() const override {
    return behind_->preemption();
  }

  // The guest leaves the thread: tells what has changed. While it does not run.
  void look() noexcept { look_at_switch(0); }
  // How many it remembers.
  [[nodiscard]] std::size_t lanes() const { return seen_.size(); }

 private:
  struct Seen {
    std::uint64_t id = 0;
    GState state = GState::idle;
    std::uint8_t reason = 0;
  };
  void look_at_switch(std::uint64_t gets_thread) noexcept;
  void look_at_all(std::uint64_t gets_thread);
  bool look_at(std::uint64_t g, std::uint64_t gets_thread);
  void leave_out();
  void tell(std::uint64_t g, const Seen& seen);

  const guest::go::GoRuntime& runtime_;
  const std::size_t guest_;
  const std::string guest_name_;
  Clock& clock_;
  GoroutineListener& listener_;
  std::unique_ptr<guest::go::Steering> behind_;
  std::unordered_map<std::uint64_t, Seen> seen_;  // By the address of the g.
  std::uint64_t had_thread_ = 0;                  // The g that ran at the last look; 0: none did.
  std::uint64_t looks_left_ = 0;                  // What switches have saved up.
  bool left_out_ = false;
};

}  // namespace weft::sim
