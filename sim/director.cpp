// SPDX-License-Identifier: Apache-2.0
#include "sim/director.h"

#include <utility>

#include "scheduler/api.h"

namespace weft::sim {
namespace {

std::uint64_t id_of_running() {
  const G* g = scheduler_of_thread != nullptr ? scheduler_of_thread->current() : nullptr;
  return g != nullptr ? g->id : 0;
}

}  // namespace

// The one place where a decision is taken. wish() is what the policy wants.
template <class Wish>
std::uint32_t Director::decide(Choice choice, std::uint32_t options, Wish&& wish, unsigned object) {
  const std::uint64_t number = schedule_.decisions++;
  const Schedule* forced = left_ ? nullptr : options_.forced;
  std::uint32_t taken = 0;
  if (forced != nullptr && number < forced->decisions) {
    if (next_forced_ < forced->deviations.size() && forced->deviations[next_forced_].at == number) {
      const Decision& wanted = forced->deviations[next_forced_++].decision;
      if (wanted.choice == choice && wanted.taken < options) {
        taken = wanted.taken;
      } else {
        left_ = true;
      }
    }
    if (!left_) followed_ = number + 1;
  } else if (options_.then_policy && !is_fair()) {
    taken = wish();
  }
  WEFT_CHECK(taken < options, "a policy chose what is not there");
  if (choice == Choice::goroutine || choice == Choice::give_way) order_.add(taken);
  if (taken != 0) schedule_.deviations.push_back({number, {choice, options, taken}});
  if (options_.keep_decisions) keep({choice, options, taken}, object);
  const bool of_scheduler = choice == Choice::pick || choice == Choice::preempt;
  if (dependence_ && !of_scheduler) dependence_->chose(id_of_running(), taken);
  Event event{.at = clock_.now(), .g = id_of_running(), .kind = Event::Kind::decision};
  event.what = name(choice);
  event.value = options;
  event.detail = taken;
  log_.add(event);
  return taken;
}

// For depth first search: the decision, and what is known of the run before it was taken.
void Director::keep(const Decision& decision, unsigned object) {
  DecisionPoint point{.decision = decision, .object = object};
  if (dependence_) {
    const RunQueue& queue = scheduler_of_thread->run_queue();
    std::uint64_t state = Dependence::mix(static_cast<std::uint64_t>(clock_.now().ns), object);
    state = Dependence::mix(state,
                            static_cast<std::uint64_t>(decision.choice) << 32 | decision.options);
    state = Dependence::mix(state, id_of_running());
    for (std::size_t i = 0; i < queue.size(); ++i) {
      const std::uint64_t g = queue.peek_unchecked(i)->id;
      state = Dependence::mix(state, g);
    }
    point.state = dependence_->state(state);
  }
  points_.push_back(point);
}

void Director::step() {
  ++steps_;
  if (livelocked_) return;
  if (options_.stop != nullptr && *options_.stop != 0) steps_max_ = steps_ - 1;
  constexpr std::uint64_t kStepsBetweenLooks = 64;  // A look is a clock read.
  if (options_.patience > Duration{} && steps_ % kStepsBetweenLooks == 0) look_at_real_time();
  if (steps_ <= steps_max_) return;
  livelocked_ = true;
  scheduler_of_thread->stop();
}

// The real clock decides only where the run ends; a run with as many steps at most is the same.
void Director::look_at_real_time() {
  const auto taken = std::chrono::steady_clock::now() - begun_;
  if (taken < std::chrono::nanoseconds(options_.patience.ns)) return;
  out_of_patience_ = true;
  steps_max_ = steps_ - 1;
}

std::size_t Director::next_g(const RunQueue& queue) noexcept {
  if (finished_) return 0;
  const auto count = static_cast<std::uint32_t>(queue.size());
  if (count == 1) return policy_.next_g(queue);
  return decide(Choice::pick, count,
                [&] { return static_cast<std::uint32_t>(policy_.next_g(queue)); });
}

bool Director::at_safe_point(G& running, const RunQueue& queue) noexcept {
  if (finished_) return false;
  step();
  if (livelocked_) return true;
  if (virtual_clock_ != nullptr && cost() > Duration{}) {
    virtual_clock_->advance(cost());
    if (virtual_clock_->now() > limit_) {
      timed_out_ = true;
      scheduler_of_thread->stop();
      return true;
    }
    // A timer has become due while the G computed: the loop must look.
    if (scheduler_of_thread->next_deadline() <= virtual_clock_->now()) return true;
    if (!queue.empty() && virtual_clock_->now() - running_since_ >= kForcePreempt) return true;
  }
  if (queue.empty()) return false;
  if (options_.decide_at_safe_points || policy_.counts_safe_points()) {
    return decide(Choice::preempt, 2, [&] { return policy_.preempt(running, queue) ? 1U : 0U; }) !=
           0;
  }
  return false;
}

void Director::has_accessed(const Access& access) {
  if (!finished_ && dependence_) dependence_->accesses(id_of_running(), access);
}

void Director::before_visible_call(const Access& access) {
  if (finished_) return;
  const unsigned object = access.object;
  step();
  if (object != 0) {
    std::uint64_t& first = touched_by_.at(object);
    if (first == 0) first = id_of_running();
    if (first != id_of_running()) shared_objects_ |= std::uint64_t{1} << object;
  }
  Scheduler& scheduler = this_scheduler();
  if (livelocked_) scheduler.yield();
  const auto wish = [&] {
    return policy_.preempt(*scheduler.current(), scheduler.run_queue()) ? 1U : 0U;
  };
  if (pending_point_) points_[*std::exchange(pending_point_, std::nullopt)].goes_on = true;
  const bool decides = !scheduler.run_queue().empty();
  const bool preempted = decides && decide(Choice::preempt, 2, wish, object) != 0;
  if (decides && !preempted && options_.keep_decisions) pending_point_ = points_.size() - 1;
  if (dependence_ && dependence_->take_covered() && !preempted) {
    redundant_ = true;
    scheduler.stop();
    scheduler.yield();
  }
  if (preempted) {
    const std::uint64_t g = scheduler.current()->id;
    if (dependence_) dependence_->preempted_before(g, access);
    preempting_ = true;
    scheduler.yield();
    if (dependence_) dependence_->resumes(g);
  }
  has_accessed(access);
}

Fault Director::fault(bool moves_bytes) {
  if (finished_ || options_.fault_one_in == 0) return Fault::none;
  const std::uint32_t kinds = moves_bytes && options_.short_transfers ? 2 : 1;
  return static_cast<Fault>(decide(Choice::fault, kinds + 1, [&] {
    if (faults_.below(options_.fault_one_in) != 0) return 0U;
    return kinds == 1 ? 1U : 1U + faults_.below(kinds);
  }));
}

std::uint32_t Director::of_goroutines(Choice choice, std::uint32_t options,
                                      const std::function<std::uint32_t()>& wish) {
  return finished_ || options < 2 ? 0 : decide(choice, options, wish);
}

bool Director::link_mishap(std::uint32_t one_in) {
  if (finished_ || one_in == 0) return false;
  return decide(Choice::link, 2, [&] { return links_.below(one_in) == 0 ? 1U : 0U; }) != 0;
}

Duration Director::link_delay(Duration jitter) {
  if (finished_ || jitter <= Duration{}) return {};
  const std::uint32_t level =
      decide(Choice::link, kLateLevels, [&] { return links_.below(kLateLevels); });
  return nanoseconds(jitter.ns / (kLateLevels - 1) * level);
}

std::uint32_t Director::one_of(std::uint32_t n, Random& random) noexcept {
  if (finished_ || n < 2) return 0;
  return decide(Choice::select, n, [&] { return policy_.one_of(n, random); });
}

Instant Director::wake_at(Instant deadline) noexcept {
  if (finished_ || options_.lateness <= Duration{}) return deadline;
  const std::uint32_t level =
      decide(Choice::late, kLateLevels, [&] { return policy_.lateness(kLateLevels); });
  return deadline + nanoseconds(options_.lateness.ns / (kLateLevels - 1) * level);
}

void Director::tell_dependence(const GEvent& event) {
  const std::uint64_t g = event.g.id;
  if (event.to == GState::waiting) dependence_->waits(g);
  if (event.to != GState::runnable) return;
  if (event.from != GState::running) {
    dependence_->woken(id_of_running(), g);
  } else if (!std::exchange(preempting_, false)) {
    dependence_->gives_way(g);
  }
}

void Director::on_event(const GEvent& gevent) noexcept {
  if (finished_) return;
  policy_.on_event(gevent);
  const G& g = gevent.g;
  if (gevent.from == GState::running) pending_point_.reset();
  if (dependence_) tell_dependence(gevent);
  if (gevent.from == GState::idle) log_.add_g(g.id, g.name);
  if (gevent.to == GState::running) {
    step();
    order_.add(g.id);
    if (virtual_clock_ != nullptr) virtual_clock_->advance(options_.switch_cost);
    running_since_ = clock_.now();
  }
  if (gevent.to == GState::idle) return;  // It has its old id still.
  Event event{.at = clock_.now(), .g = g.id, .kind = Event::Kind::state};
  event.from = gevent.from;
  event.to = gevent.to;
  if (gevent.to == GState::waiting) event.what = weft::name(g.wait_reason);
  log_.add(event);
}

}  // namespace weft::sim
