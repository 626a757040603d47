// SPDX-License-Identifier: Apache-2.0
// The Director: the Chooser and EventSink of a simulated run.
//
//                    ┌─ forced Schedule (replay, DFS): as far as it goes
//   a decision ──────┤
//                    └─ the Policy; or option 0, as from DirectorOptions::fair_from on
//        │
//        └─▶ written down: the Schedule of this run; and in the EventLog
//
// It also charges CPU work to the virtual clock, counts steps and stops a run that takes too many.
// Where there is only one option there is no decision, and no number.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <optional>

#include "os/clocks.h"
#include "scheduler/chooser.h"
#include "scheduler/event.h"
#include "sim/explore/dependence.h"
#include "sim/policy.h"
#include "sim/schedule.h"
#include "sim/trace/event_log.h"

namespace weft::sim {

inline constexpr std::uint32_t kLateLevels = 8;
// Where CPU work costs, a G that has run this long makes room for others, as in real time.
inline constexpr Duration kForcePreempt = milliseconds(10);
// As on the slowest machine of a search: sim::of_seed.
inline constexpr Duration kFairCost = microseconds(100);

struct DirectorOptions {
  const Schedule* forced = nullptr;  // Followed first. Must outlive the Director.
  bool then_policy = true;           // Behind it: the policy decides, or everything is option 0.
  // Is each safe point a decision? For native Gs. For guests only their calls are.
  bool decide_at_safe_points = false;
  Duration cost;                          // Of a safe point, on the virtual clock.
  Duration switch_cost;                   // Of a switch, likewise.
  Instant limit = Instant::far_future();  // When charging CPU work stops the run.
  Duration lateness;                      // The most by which a sleep ends late.
  std::uint64_t steps_max =
      UINT64_MAX;  // Switches, safe points and calls; then the run is stopped.
  // From this step on every decision is option 0, and a safe point costs kFairCost at least: who
  // waits for another or for time to pass goes on then, whatever the policy thinks of them.
  std::uint64_t fair_from = UINT64_MAX;
  // Not 0: the next step is one too many. For signal handlers. nullptr: nobody asks.
  const volatile std::sig_atomic_t* stop = nullptr;
  // How long the run may take in real time; then the next step is one too many. 0: for ever.
  Duration patience;
  std::uint32_t fault_one_in = 0;  // A call that may fail does so once in so many; 0: never.
  bool short_transfers = true;     // Or it moves fewer bytes than it was asked to.
  bool keep_decisions = false;     // Each with its options: for DFS.
  bool reduce = false;             // With what is known of dependence; ends redundant runs.
  std::uint64_t seed = 1;          // Of faults and links.
};

// What becomes of a call that may fail.
enum class Fault : std::uint8_t { none, error, cut_short };

// A decision as DFS needs it.
struct DecisionPoint {
  Decision decision;
  unsigned object = 0;   // preempt: what the call is about to touch; 0: not known.
  bool goes_on = false;  // preempt, not taken: the G came to its next access and gave way nowhere.
  std::uint64_t state = 0;  // Of the run so far, as Dependence::state.
};

class Director final : public Chooser, public EventSink {
 public:
  // All of these must outlive the Director; the clock may be nullptr when it is not virtual.
  Director(const DirectorOptions& options, Policy& policy, EventLog& log, Clock& clock,
           ManualClock* virtual_clock)
      : options_(options),
        steps_max_(options.steps_max),
        limit_(options.limit),
        policy_(policy),
        log_(log),
        clock_(clock),
        virtual_clock_(virtual_clock),
        faults_(options.seed ^ 0x6661756c74),
        links_(options.seed ^ 0x6c696e6b73) {
    if (options.reduce) dependence_.emplace();
  }

  // --- Chooser ---
  std::size_t next_g(const RunQueue& queue) noexcept override;
  bool at_safe_point(G& running, const RunQueue& queue) noexcept override;
  std::uint32_t one_of(std::uint32_t n, Random& random) noexcept override;
  Instant wake_at(Instant deadline) noexcept override;

  // --- EventSink ---
  void on_event(const GEvent& event) noexcept override;

  // The running guest is about to do what others can see: yields when that is decided. On a G; may
  // throw Killed.
  void before_visible_call(const Access& access);
  // It has done so without having asked: no place to preempt it.
  void has_accessed(const Access& access);

  // A call that may fail is about to be made. moves_bytes: it may be cut short, too.
  Fault fault(bool moves_bytes);

  // A decision about the goroutines of the guest that runs (sim/goroutines.h): one of `options`,
  // of which the policy for goroutines wants wish(). Not a step of its own.
  std::uint32_t of_goroutines(Choice choice, std::uint32_t options,
                              const std::function<std::uint32_t()>& wish);

  // What a link does with what it is given, by the seed: how much later than its delay, up to
  // `jitter`, it comes; is it lost; is only a part of it taken. one_in 0: never.
  Duration link_delay(Duration jitter);
  bool link_loses(std::uint32_t one_in) { return link_mishap(one_in); }
  bool link_shortens(std::uint32_t one_in) { return link_mishap(one_in); }

  // From here on it may take any virtual time.
  void lift_limit() { limit_ = Instant::far_future(); }

  // Everything from here on is the end of the run, and no part of it.
  void finish() { finished_ = true; }
  [[nodiscard]] bool finished() const { return finished_; }
  // What a safe point costs now.
  [[nodiscard]] Duration cost() const {
    return is_fair() ? std::max(options_.cost, kFairCost) : options_.cost;
  }

  [[nodiscard]] EventLog& log() { return log_; }
  [[nodiscard]] Instant now() { return clock_.now(); }
  [[nodiscard]] const Schedule& schedule() const { return schedule_; }
  [[nodiscard]] const std::vector<DecisionPoint>& points() const { return points_; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  // A hash of which G, and which goroutine, ran after which.
  [[nodiscard]] std::uint64_t order() const { return order_.value(); }
  [[nodiscard]] bool livelocked() const { return livelocked_; }
  // How many there could be: those of the options, or fewer where it was told to stop.
  [[nodiscard]] std::uint64_t steps_max() const { return steps_max_; }
  [[nodiscard]] bool timed_out() const { return timed_out_; }
  // The run took more real time than it may, so it was stopped as if it had too many steps.
  [[nodiscard]] bool out_of_patience() const { return out_of_patience_; }
  // The run was ended, as another one shows whatever it could.
  [[nodiscard]] bool redundant() const { return redundant_; }
  // A bit for each object that more than one G has touched.
  [[nodiscard]] std::uint64_t shared_objects() const { return shared_objects_; }
  // The first decision that the forced schedule did not fit, or its end.
  [[nodiscard]] std::uint64_t followed() const { return followed_; }
  [[nodiscard]] bool left_schedule() const { return left_; }

 private:
  bool is_fair() const { return steps_ >= options_.fair_from; }
  template <class Wish>
  std::uint32_t decide(Choice choice, std::uint32_t options, Wish&& wish, unsigned object = 0);
  void step();
  void look_at_real_time();
  void keep(const Decision& decision, unsigned object);
  void tell_dependence(const GEvent& event);
  bool link_mishap(std::uint32_t one_in);

  const DirectorOptions options_;
  std::uint64_t steps_max_;
  Instant limit_;
  Policy& policy_;
  EventLog& log_;
  Clock& clock_;
  ManualClock* const virtual_clock_;
  Random faults_;
  Random links_;
  std::optional<Dependence> dependence_;
  Schedule schedule_;
  std::vector<DecisionPoint> points_;
  std::optional<std::size_t> pending_point_;  // Whose goes_on is not known yet.
  std::size_t next_forced_ = 0;
  std::uint64_t followed_ = 0;
  bool left_ = false;
  std::uint64_t steps_ = 0;
  Hash order_;
  bool livelocked_ = false;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  bool out_of_patience_ = false;
  bool timed_out_ = false;
  bool redundant_ = false;
  bool preempting_ = false;  // Before a call that others can see.
  Instant running_since_;
  bool finished_ = false;
  std::array<std::uint64_t, 64> touched_by_{};  // For each object: the G that did so first.
  std::uint64_t shared_objects_ = 0;
};

}  // namespace weft::sim
