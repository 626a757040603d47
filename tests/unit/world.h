// SPDX-License-Identifier: Apache-2.0
// A world for scheduler tests: time that stands still until every G sleeps, and a poller whose
// events are made by hand. No test sleeps, and each order is exact.
//
//   World w;
//   w.go("a", [&] { w.say("a1"); weft::yield(); w.say("a2"); });
//   CHECK(w.run() == "a1 a2");
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "os/clocks.h"
#include "scheduler/api.h"

namespace weft::test {

// Waits by moving the clock to the deadline. Events are functions that run at a given look or when
// the loop waits.
class FakePoller final : public Poller {
 public:
  explicit FakePoller(ManualClock& clock) : clock_(clock) {}

  void poll(Instant deadline) override {
    const bool may_wait = deadline != Instant::far_past();
    ++(may_wait ? waited_ : looked_);
    if (!events_.empty()) {
      auto events = std::exchange(events_, {});
      for (auto& event : events) event();
      return;
    }
    if (!may_wait || std::exchange(wake_pending_, false)) return;
    WEFT_CHECK(deadline != Instant::far_future(), "the loop would wait for ever");
    clock_.advance_to(deadline);
  }
  [[nodiscard]] std::size_t waits() const override { return events_.size(); }
  void wake() noexcept override {
    ++woken_;
    wake_pending_ = true;
  }

  void at_next_poll(std::function<void()> event) { events_.push_back(std::move(event)); }

  [[nodiscard]] int looked() const { return looked_; }
  [[nodiscard]] int waited() const { return waited_; }
  [[nodiscard]] int woken() const { return woken_; }

 private:
  ManualClock& clock_;
  std::vector<std::function<void()>> events_;
  int looked_ = 0;
  int waited_ = 0;
  int woken_ = 0;
  bool wake_pending_ = false;
};

struct World {
  ManualClock clock;
  FakePoller poller{clock};
  Scheduler scheduler{clock, poller};
  std::string trace;
  RunResult result{RunEnd::stopped, {}};

  // Appends a word to the trace.
  void say(std::string_view word) {
    if (!trace.empty()) trace += ' ';
    trace += word;
  }

  template <class F>
  G& go(std::string_view name, F&& f) {
    auto g = scheduler.spawn(std::forward<F>(f), {.name = name});
    WEFT_CHECK(g.ok(), "a test could not spawn");
    return **g;
  }

  // Runs to the end and returns the trace.
  const std::string& run() {
    result = scheduler.run();
    return trace;
  }
};

}  // namespace weft::test
