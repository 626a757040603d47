// SPDX-License-Identifier: Apache-2.0
// Timers that speak through channels: after, one_shot and ticker, as Go's time.After, time.NewTimer
// and time.NewTicker.
//
//   weft::ticker every(weft::milliseconds(100));
//   for (weft::Instant tick : every.channel()) ...
//
//   the loop's look ──▶ TimerChannel::fire, on g0 ──▶ try_send into a buffer of one ──▶ a receiver
//
// The value is the time for which the tick was set. A receiver that is late finds one tick, not
// many: what does not fit in the buffer is dropped, and ticks for which the loop itself was late
// are one tick. stop() and reset() take back what lies in the buffer, so no stale tick is received
// afterwards.
//
// The timer belongs to the channel: it is disarmed when the last handle to it goes. Each costs one
// channel; a tick allocates nothing. A channel must not outlive the scheduler it was made on.
//
// Unlike in Go since 1.23, an armed timer prevents the report of a deadlock even when no G waits
// for its channel.
//
// From: the scheduler's thread, on a G or on g0.
#pragma once

#include "scheduler/sync/chan.h"

namespace weft {

// A channel with a timer that sends to it. For the three below.
class TimerChannel : public ChanState<Instant>, private Timer {
 public:
  TimerChannel() : ChanState(1), Timer(&fire), scheduler_(this_scheduler()) {}
  ~TimerChannel() override { disarm(); }

  // Sends at `when`, and then every `period` if that is not 0. Takes back what was sent before.
  void set(Instant when, Duration period);

  // Returns false when it was not armed.
  bool disarm();

 private:
  static void fire(Timer& timer);

  Scheduler& scheduler_;
  Instant when_;
  Duration period_;
};

// A channel that gets the time once, after d. Callable on a G and on g0.
chan<Instant> after(Duration d);

// A timer that sends once and can be stopped and set again.
class one_shot {
 public:
  // Sends after d.
  explicit one_shot(Duration d) : timer_(new TimerChannel), channel_(timer_) { reset(d); }

  // Where it sends to.
  [[nodiscard]] chan<Instant>& channel() { return channel_; }

  // Returns false when it had fired or was stopped already.
  bool stop();
  // Sets it again; returns whether it was armed.
  bool reset(Duration d);

 private:
  TimerChannel* timer_;
  chan<Instant> channel_;
};

// A timer that sends every period. Panics "non-positive interval for NewTicker" (or "... for
// Ticker.Reset").
class ticker {
 public:
  // Sends first after one period, which must be more than 0.
  explicit ticker(Duration period);

  // Where it sends to.
  [[nodiscard]] chan<Instant>& channel() { return channel_; }

  // No more ticks; the channel stays open, as in Go.
  void stop() { timer_->disarm(); }
  // The next tick comes a new period from now.
  void reset(Duration period);

 private:
  TimerChannel* timer_;
  chan<Instant> channel_;
};

}  // namespace weft
