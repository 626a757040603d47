// SPDX-License-Identifier: Apache-2.0
// LiveTrace: the stream of events of a run in real time. In a simulated run it adds what only a
// viewer needs: timers, fuel, the loop's waits.
//
//   scheduler ── EventSink, Chooser ─▶ LiveTrace ─▶ EventListener (sim/trace/trace_file.h)
//   each guest ── CallHook ──────────────▲
//   Poller ── TracedPoller ──────────────┘
//
// None of it is installed in a run without a trace: there a switch costs what it always does.
#pragma once

#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "guest/goroutine_dump.h"
#include "os/wasip1/call_hook.h"
#include "scheduler/api.h"
#include "scheduler/chooser.h"
#include "sim/trace/event_log.h"
#include "sim/trace/goroutine_trace.h"

namespace weft::sim {

class LiveTrace final : public EventSink, public Chooser {
 public:
  // What it is put in front of, and passes everything on to; nullptr: nothing.
  struct Behind {
    EventSink* sink = nullptr;
    Chooser* chooser = nullptr;
  };

  // All of these must outlive it. With states: changes of state are events, too (a simulation's
  // Director tells those itself).
  LiveTrace(Clock& clock, EventListener& listener, bool states, Behind behind);
  ~LiveTrace() override;
  LiveTrace(const LiveTrace&) = delete;
  LiveTrace& operator=(const LiveTrace&) = delete;

  // For one guest, in front of another hook, or of none (nullptr).
  wasip1::CallHook& hook(wasip1::CallHook* behind);

  // For the guest on this G: what tells of its goroutines too, in front of what steers them. The
  // same when the listener has no use for that.
  std::unique_ptr<guest::go::Steering> watch(const guest::go::GoModule& module,
                                             std::unique_ptr<guest::go::Steering> behind);
  // The same for a guest with a G.
  std::unique_ptr<guest::go::Steering> watch(const Guest& guest, const guest::go::GoModule& module,
                                             std::unique_ptr<guest::go::Steering> behind);

  // The loop begins to wait for what is outside, or ends to.
  void loop_waits(bool waits);

  // --- EventSink ---
  void on_event(const GEvent& event) noexcept override;
  void on_m_event(const MEvent& event) noexcept override;

  // --- Chooser: first in, first out, unless there is one behind it ---
  std::size_t next_g(const RunQueue& queue) noexcept override {
    return behind_.chooser != nullptr ? behind_.chooser->next_g(queue) : 0;
  }
  bool at_safe_point(G& running, const RunQueue& queue) noexcept override {
    return behind_.chooser != nullptr && behind_.chooser->at_safe_point(running, queue);
  }
  std::uint32_t one_of(std::uint32_t n, Random& random) noexcept override {
    return behind_.chooser != nullptr ? behind_.chooser->one_of(n, random) : random.below(n);
  }
  Instant wake_at(Instant deadline) noexcept override;

 private:
  class Hook;
  void tell(Event::Kind kind, std::uint64_t g, std::string_view what, std::uint64_t value,
            std::uint64_t detail);
  void tell_timer(const G& g, GState from, GState to);
  void look_at_goroutines(const G& g, GState to) noexcept;

  Clock& clock_;
  EventListener& listener_;
  const bool states_;
  const Behind behind_;
  std::vector<std::unique_ptr<Hook>> hooks_;
  std::unordered_map<std::uint64_t, GoroutineTrace*> watched_;  // By the G of the guest.
  std::unordered_map<std::uint64_t, Instant> deadlines_;        // Of the Gs that sleep with one.
  Instant asked_ = Instant::far_future();                       // Of the G that is about to park.
};

// The scheduler's poller, watched: it tells a LiveTrace of waits, and prints a line of the state of
// the scheduler at every so many milliseconds, as Go does under GODEBUG=schedtrace, with the
// goroutines of Go guests behind it.
class TracedPoller final : public Poller {
 public:
  // The period of the lines; 0: none. detail: a line for each M and G, too.
  TracedPoller(Clock& clock, Duration period, bool detail)
      : clock_(clock), period_(period), detail_(detail) {}

  // Before run(). Both must outlive it; nullptr: none.
  void attach(Poller& poller) { poller_ = &poller; }
  void tell(LiveTrace* live) { live_ = live; }
  // Whose guests' goroutines the lines tell of.
  void look_at(const Runtime& runtime, GoMemorySource of) {
    guests_ = &runtime;
    goroutines_ = std::move(of);
  }

  void poll(Instant deadline) override;
  [[nodiscard]] std::size_t waits() const override { return poller_->waits(); }
  void wake() noexcept override { poller_->wake(); }

 private:
  void print_when_due();

  Clock& clock_;
  const Duration period_;
  const bool detail_;
  LiveTrace* live_ = nullptr;
  const Runtime* guests_ = nullptr;
  GoMemorySource goroutines_;
  Poller* poller_ = nullptr;
  Instant next_ = Instant::far_past();
};

}  // namespace weft::sim
