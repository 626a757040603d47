// SPDX-License-Identifier: Apache-2.0
#include "scheduler/sync/ticker.h"

namespace weft {

void TimerChannel::set(Instant when, Duration period) {
  disarm();
  when_ = when;
  period_ = period;
  scheduler_.arm(*this, when);
}

bool TimerChannel::disarm() {
  clear();
  return scheduler_.cancel(*this);
}

void TimerChannel::fire(Timer& timer) {
  auto& self = static_cast<TimerChannel&>(timer);
  Instant tick = self.when_;
  if (self.period_ > Duration{}) {
    const Duration late = self.scheduler_.coarse_now() - self.when_;
    const std::int64_t missed = late > Duration{} ? late.ns / self.period_.ns : 0;
    self.when_ = self.when_ + nanoseconds(self.period_.ns * (1 + missed));
    self.scheduler_.arm(self, self.when_);
  }
  (void)self.send_now(tick);
}

chan<Instant> after(Duration d) {
  return one_shot(d).channel();
}

bool one_shot::stop() {
  return timer_->disarm();
}

bool one_shot::reset(Duration d) {
  const bool was_armed = timer_->disarm();
  timer_->set(now() + d, {});
  return was_armed;
}

ticker::ticker(Duration period) : timer_(nullptr) {
  if (period <= Duration{}) panic("non-positive interval for NewTicker");
  timer_ = new TimerChannel;
  channel_ = chan<Instant>(timer_);
  timer_->set(now() + period, period);
}

void ticker::reset(Duration period) {
  if (period <= Duration{}) panic("non-positive interval for Ticker.Reset");
  timer_->set(now() + period, period);
}

}  // namespace weft
