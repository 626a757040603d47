// Events: what the scheduler tells whoever watches it. One hook, off by default; a hook that is off
// costs the yield path one branch that is never taken.
#pragma once

#include "scheduler/g.h"

namespace weft {

// A G changed its state. Sent by Scheduler::move after the change. Going to waiting, g.wait_reason
// is set.
struct GEvent {
  const G& g;
  GState from;
  GState to;
};

class EventSink {
 public:
  virtual ~EventSink() = default;

  // Called on the scheduler's thread, in the middle of a switch: it must not call the scheduler,
  // and must not throw.
  virtual void on_event(const GEvent& event) noexcept = 0;
};

}  // namespace weft
