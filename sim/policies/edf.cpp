// SPDX-License-Identifier: Apache-2.0
// edf: earliest deadline first. When a G becomes runnable by a wake-up or a spawn, its deadline is
// now plus its allowance: a time by its name (edf:audio=5ms,batch=1s; 100 ms when it is not
// named). Until then it should have done its work and wait again. The G with the nearest deadline
// runs, and preempts the running one at the next safe point. Equal deadlines: the older first. The
// time is the loop's, as of its last look outside.
#include <unordered_map>

#include "scheduler/api.h"
#include "sim/policies/all.h"
#include "sim/policy.h"

namespace weft::sim {
namespace {

constexpr Duration kAllowance = milliseconds(100);

class Edf final : public Policy {
 public:
  Edf(std::uint64_t seed, PolicySpec spec) : Policy(seed), spec_(with_g_names(std::move(spec))) {}

  std::size_t next_g(const RunQueue& queue) noexcept override {
    std::size_t best = 0;
    for (std::size_t i = 1; i < queue.size(); ++i) {
      if (deadline(queue.peek_unchecked(i)) < deadline(queue.peek_unchecked(best))) best = i;
    }
    return best;
  }
  [[nodiscard]] bool counts_safe_points() const noexcept override { return true; }
  bool preempt(const G& running, const RunQueue& queue) noexcept override {
    return deadline(queue.peek_unchecked(next_g(queue))) < deadline(&running);
  }
  void on_event(const GEvent& event) noexcept override {
    if (event.to == GState::dead) deadlines_.erase(&event.g);
    if (event.from != GState::waiting && event.from != GState::idle) return;
    const std::uint64_t allowance = spec_.get(event.g.name, kAllowance.ns);
    const Instant now =
        scheduler_of_thread != nullptr ? scheduler_of_thread->coarse_now() : Instant{};
    deadlines_[&event.g] = now + Duration{static_cast<std::int64_t>(allowance)};
  }

 private:
  Instant deadline(const G* g) { return deadlines_.try_emplace(g).first->second; }

  const PolicySpec spec_;
  std::unordered_map<const G*, Instant> deadlines_;
};

}  // namespace

std::unique_ptr<Policy> make_edf(const PolicySpec& spec, std::uint64_t seed) {
  return std::make_unique<Edf>(seed, spec);
}

}  // namespace weft::sim
