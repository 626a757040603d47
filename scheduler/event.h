// SPDX-License-Identifier: Apache-2.0
// Events: what the scheduler tells an observer. One hook, off by default; a hook that is off costs
// the yield path one branch that is never taken.
#pragma once

#include "scheduler/g.h"
#include "scheduler/m.h"

namespace weft {

// A G changed its state. Sent by Scheduler::move after the change. Going to waiting, g.wait_reason
// is set.
struct GEvent {
  const G& g;
  GState from;
  GState to;
};

// An M changed its state. Sent by Scheduler::move_m after the change. Going to sleeping,
// m.sleep_reason is set.
struct MEvent {
  const M& m;
  MState from;
  MState to;
};

class EventSink {
 public:
  virtual ~EventSink() = default;

  // Both are called on the scheduler's thread, in the middle of a switch: they must not call the
  // scheduler, and must not throw.
  virtual void on_event(const GEvent& event) noexcept = 0;
  virtual void on_m_event(const MEvent& event) noexcept { (void)event; }
};

// The sink between turns: passes events on, and tells the embedder's loop that a turn is wanted. It
// is a sink so that ready() pays nothing for it.
struct Doorbell final : EventSink {
  void on_event(const GEvent& event) noexcept override;
  void on_m_event(const MEvent& event) noexcept override;
  EventSink* behind = nullptr;
  void (*ring)(void* context) = nullptr;
  void* context = nullptr;
};

}  // namespace weft
