// SPDX-License-Identifier: Apache-2.0
// Virtual time: a Poller that never waits. When nothing is runnable it moves the clock to the next
// deadline; CPU work costs what the Director charges for it (nothing, unless --cost).
//
//   wait_outside ─▶ VirtualPoller::poll(deadline) ─▶ ManualClock::advance_to(deadline)
//
// Virtual time has no place for events from outside: the time at which they come can't be repeated.
// When a G waits for a real descriptor all the same, the thread waits for it while time stands
// still, and waited_outside() says that this run may not repeat.
#pragma once

#include "os/clocks.h"
#include "os/reactor.h"
#include "scheduler/api.h"

namespace weft::sim {

class VirtualPoller final : public Poller {
 public:
  // The clock must outlive this. limit: the time at which the run is stopped.
  explicit VirtualPoller(ManualClock& clock, Instant limit = Instant::far_future())
      : clock_(clock), limit_(limit) {}

  // For what is outside, once there is one; it must outlive the run. nullptr: none.
  void attach(Poller* outside) { outside_ = outside; }

  void poll(Instant deadline) override {
    const bool waits_outside = outside_ != nullptr && outside_->waits() > 0;
    if (deadline == Instant::far_past()) {
      if (waits_outside) outside_->poll(deadline);
      return;
    }
    if (outside_ != nullptr && (waits_outside || deadline == Instant::far_future())) {
      waited_outside_ = waited_outside_ || waits_outside;
      outside_->poll(Instant::far_future());
      return;
    }
    if (deadline > limit_) {
      timed_out_ = true;
      scheduler_of_thread->stop();
      deadline = limit_;
    }
    clock_.advance_to(deadline);
  }
  [[nodiscard]] std::size_t waits() const override {
    return outside_ != nullptr ? outside_->waits() : 0;
  }
  void wake() noexcept override {
    if (outside_ != nullptr) outside_->wake();
  }

  void lift_limit() { limit_ = Instant::far_future(); }

  [[nodiscard]] bool timed_out() const { return timed_out_; }
  [[nodiscard]] bool waited_outside() const { return waited_outside_; }

 private:
  ManualClock& clock_;
  Instant limit_;
  Poller* outside_ = nullptr;
  bool timed_out_ = false;
  bool waited_outside_ = false;
};

}  // namespace weft::sim
