// SPDX-License-Identifier: Apache-2.0
#include "sim/trace/live_trace.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "guest/computing_dump.h"
#include "guest/runtime.h"
#include "os/wasip1/functions.h"
#include "scheduler/report.h"

namespace weft::sim {

using wasip1::Errno;

class LiveTrace::Hook final : public wasip1::CallHook {
 public:
  Hook(LiveTrace& trace, wasip1::CallHook* behind) : trace_(trace), behind_(behind) {}

  std::optional<Errno> before(const wasip1::Call& call) override {
    if (trace_.states_) trace_.tell(Event::Kind::call, this_g().id, call.function.name, 0, 0);
    return behind_ != nullptr ? behind_->before(call) : std::nullopt;
  }
  void after(const wasip1::Call& call, Errno result) override {
    if (behind_ != nullptr) behind_->after(call, result);
    if (!trace_.states_) return;
    trace_.tell(Event::Kind::returned, this_g().id, call.function.name,
                static_cast<std::uint64_t>(result), 0);
  }

 private:
  LiveTrace& trace_;
  wasip1::CallHook* const behind_;
};

LiveTrace::LiveTrace(Clock& clock, EventListener& listener, bool states, Behind behind)
    : clock_(clock), listener_(listener), states_(states), behind_(behind) {}

LiveTrace::~LiveTrace() = default;

wasip1::CallHook& LiveTrace::hook(wasip1::CallHook* behind) {
  return *hooks_.emplace_back(std::make_unique<Hook>(*this, behind));
}

std::unique_ptr<guest::go::Steering> LiveTrace::watch(const guest::go::GoModule& module,
                                                      std::unique_ptr<guest::go::Steering> behind) {
  return watch(*static_cast<const Guest*>(this_g().owner), module, std::move(behind));
}

std::unique_ptr<guest::go::Steering> LiveTrace::watch(const Guest& guest,
                                                      const guest::go::GoModule& module,
                                                      std::unique_ptr<guest::go::Steering> behind) {
  auto* listener = dynamic_cast<GoroutineListener*>(&listener_);
  if (listener == nullptr) return behind;
  auto watch = std::make_unique<GoroutineTrace>(module, guest.number(), guest.name(), clock_,
                                                *listener, std::move(behind));
  watched_[guest.g()->id] = watch.get();
  return watch;
}

void LiveTrace::tell(Event::Kind kind, std::uint64_t g, std::string_view what, std::uint64_t value,
                     std::uint64_t detail) {
  Event event{.at = clock_.now(), .g = g, .kind = kind};
  event.what = what;
  event.value = value;
  event.detail = detail;
  listener_.on_event(event);
}

void LiveTrace::loop_waits(bool waits) {
  tell(Event::Kind::loop, 0, waits ? "wait" : "work", 0, 0);
}

// Its park follows at once, and is its next change of state.
Instant LiveTrace::wake_at(Instant deadline) noexcept {
  asked_ = behind_.chooser != nullptr ? behind_.chooser->wake_at(deadline) : deadline;
  return asked_;
}

void LiveTrace::on_event(const GEvent& gevent) noexcept {
  if (behind_.sink != nullptr) behind_.sink->on_event(gevent);
  const G& g = gevent.g;
  if (gevent.to == GState::idle) return;
  if (states_) {
    if (gevent.from == GState::idle) listener_.on_g(g.id, g.name);
    Event event{.at = clock_.now(), .g = g.id, .kind = Event::Kind::state};
    event.from = gevent.from;
    event.to = gevent.to;
    if (gevent.to == GState::waiting) event.what = weft::name(g.wait_reason);
    listener_.on_event(event);
  }
  tell_timer(g, gevent.from, gevent.to);
  if (gevent.from == GState::running) look_at_goroutines(g, gevent.to);
  // A fuel of 1 is given to every guest, also to one that does not count.
  if (gevent.from == GState::running && g.owner != nullptr) {
    const std::uint64_t fuel = static_cast<const Guest*>(g.owner)->fuel_given();
    if (fuel > 1) tell(Event::Kind::fuel, g.id, "fuel", fuel, 0);
  }
}

// Its guest and what watched it are gone when a G is dead.
void LiveTrace::look_at_goroutines(const G& g, GState to) noexcept {
  const auto watched = watched_.find(g.id);
  if (watched == watched_.end()) return;
  if (to == GState::dead) {
    watched_.erase(watched);
  } else {
    watched->second->look();
  }
}

void LiveTrace::on_m_event(const MEvent& event) noexcept {
  if (behind_.sink != nullptr) behind_.sink->on_m_event(event);
  const char* why = event.to == MState::sleeping ? event.m.sleep_reason : "";
  tell(Event::Kind::m, static_cast<std::uint64_t>(event.m.id), why,
       static_cast<std::uint64_t>(event.from), static_cast<std::uint64_t>(event.to));
}

void LiveTrace::tell_timer(const G& g, GState from, GState to) {
  if (to == GState::waiting && asked_ != Instant::far_future()) {
    deadlines_[g.id] = asked_;
    tell(Event::Kind::timer, g.id, "armed", static_cast<std::uint64_t>(asked_.ns), 0);
  } else if (from == GState::waiting) {
    const auto it = deadlines_.find(g.id);
    if (it == deadlines_.end()) return;
    const char* what = g.stack->sleep_timer.woke ? "due" : "stopped";
    const std::int64_t late = std::max<std::int64_t>(0, (clock_.now() - it->second).ns);
    tell(Event::Kind::timer, g.id, what, static_cast<std::uint64_t>(it->second.ns),
         static_cast<std::uint64_t>(late));
    deadlines_.erase(it);
  }
  asked_ = Instant::far_future();
}

void TracedPoller::poll(Instant deadline) {
  if (period_ > Duration{}) {
    print_when_due();
    deadline = std::min(deadline, next_);
  }
  const bool waits = deadline != Instant::far_past();
  if (waits && live_ != nullptr) live_->loop_waits(true);
  poller_->poll(deadline);
  if (waits && live_ != nullptr) live_->loop_waits(false);
  if (period_ > Duration{}) print_when_due();
}

void TracedPoller::print_when_due() {
  if (clock_.now() < next_) return;
  Scheduler& scheduler = *scheduler_of_thread;
  std::string text = schedtrace(scheduler.census());
  if (guests_ != nullptr) {
    if (const std::string counts = goroutines_in_short(*guests_, goroutines_); !counts.empty()) {
      text += " (" + counts + ")";
    }
  }
  text += "\n";
  if (detail_) text += scheddetail(scheduler.census());
  if (detail_ && guests_ != nullptr) {
    text += dump_goroutines(*guests_, goroutines_) + dump_computing(*guests_, goroutines_);
  }
  std::fputs(text.c_str(), stderr);
  next_ = clock_.now() + period_;
}

}  // namespace weft::sim
