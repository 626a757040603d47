// SPDX-License-Identifier: Apache-2.0
// pct: probabilistic concurrency testing (Burckhardt and others, ASPLOS 2010). Every G has a random
// priority, the highest that is runnable runs, and at depth - 1 points, random among the first
// `steps` safe points, the running G falls below all others. A bug that needs `depth` ordered
// events among n Gs is found in one run with odds of at least 1 in n * steps^(depth-1).
//
// A G that waits for another by giving way again and again, or by looking again and again, would
// keep that one from running for ever. So a G that is chosen kChosenMax times in a row while others
// are runnable, or asked more than `patience` times in a row (2000; 0: any number), falls below all
// others, too.
#include <algorithm>
#include <unordered_map>
#include <vector>

#include "scheduler/g.h"
#include "sim/policies/all.h"
#include "sim/policy.h"

namespace weft::sim {
namespace {

constexpr std::uint64_t kChosenMax = 32;

class Pct final : public Policy {
 public:
  Pct(std::uint64_t seed, std::uint64_t depth, std::uint64_t steps, std::uint64_t patience)
      : Policy(seed), patience_(patience) {
    const auto range = static_cast<std::uint32_t>(std::max<std::uint64_t>(steps, 1));
    for (std::uint64_t i = 1; i < depth; ++i) change_at_.push_back(random_.below(range));
    std::sort(change_at_.begin(), change_at_.end());
  }

  std::size_t next_g(const RunQueue& queue) noexcept override {
    std::size_t best = highest(queue);
    chosen_ = queue.peek_unchecked(best) == last_ ? chosen_ + 1 : 1;
    if (chosen_ > kChosenMax && queue.size() > 1) {
      fall_below_all(queue.peek_unchecked(best));
      best = highest(queue);
      chosen_ = 1;
    }
    if (queue.peek_unchecked(best) != last_) asked_ = 0;
    last_ = queue.peek_unchecked(best);
    return best;
  }
  bool preempt(const G& running, const RunQueue& queue) noexcept override {
    for (++step_; changed_ < change_at_.size() && change_at_[changed_] < step_; ++changed_) {
      // Below every priority that was drawn, and below those that fell before.
      priorities_[&running] = static_cast<std::int64_t>(change_at_.size() - changed_);
    }
    if (&running != last_) {
      last_ = &running;
      asked_ = 0;
    }
    if (++asked_ > patience_ && patience_ > 0) {
      fall_below_all(&running);
      asked_ = 0;
    }
    return priority(queue.peek_unchecked(highest(queue))) > priority(&running);
  }
  std::uint32_t lateness(std::uint32_t levels) noexcept override {
    return random_.below(2) == 0 ? 0 : random_.below(levels);
  }
  // The place of a G that ended may become another G's, with a priority of its own.
  void on_event(const GEvent& event) noexcept override {
    if (event.to != GState::dead) return;
    priorities_.erase(&event.g);
    if (last_ == &event.g) last_ = nullptr;
  }

 private:
  std::size_t highest(const RunQueue& queue) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < queue.size(); ++i) {
      if (priority(queue.peek_unchecked(i)) > priority(queue.peek_unchecked(best))) best = i;
    }
    return best;
  }
  void fall_below_all(const G* g) { priorities_[g] = --lowest_; }
  std::int64_t priority(const G* g) {
    const auto [it, is_new] = priorities_.try_emplace(g, 0);
    if (is_new) it->second = static_cast<std::int64_t>(random_.next() >> 2) | (1LL << 32);
    return it->second;
  }

  const std::uint64_t patience_;
  std::vector<std::uint64_t> change_at_;  // Ascending.
  std::size_t changed_ = 0;
  std::uint64_t step_ = 0;
  std::unordered_map<const G*, std::int64_t> priorities_;
  std::int64_t lowest_ = 0;   // What fell below all others.
  const G* last_ = nullptr;   // Ran last, as far as is known here;
  std::uint64_t chosen_ = 0;  // so often in a row,
  std::uint64_t asked_ = 0;   // and was asked so often.
};

}  // namespace

std::unique_ptr<Policy> make_pct(const PolicySpec& spec, std::uint64_t seed) {
  return std::make_unique<Pct>(seed, spec.get("depth", 3), spec.get("steps", 200),
                               spec.get("patience", 2000));
}

}  // namespace weft::sim
