// SPDX-License-Identifier: Apache-2.0
// bounded: at most `bound` preemptions a run (default 2), at points random among the first `steps`
// safe points. When a G gives up the thread by itself, a random G runs next. Most ordering bugs
// need few preemptions (Musuvathi and Qadeer, PLDI 2007), and a schedule with few is readable.
#include <algorithm>
#include <vector>

#include "sim/policies/all.h"
#include "sim/policy.h"

namespace weft::sim {
namespace {

class Bounded final : public Policy {
 public:
  Bounded(std::uint64_t seed, std::uint64_t bound, std::uint64_t steps) : Policy(seed) {
    const auto range = static_cast<std::uint32_t>(std::max<std::uint64_t>(steps, 1));
    for (std::uint64_t i = 0; i < bound; ++i) preempt_at_.push_back(random_.below(range));
    std::sort(preempt_at_.begin(), preempt_at_.end());
  }

  std::size_t next_g(const RunQueue& queue) noexcept override {
    // The preempted G is the youngest: taking it again would be no preemption.
    const std::size_t others = preempting_ && queue.size() > 1 ? queue.size() - 1 : queue.size();
    preempting_ = false;
    return random_.below(static_cast<std::uint32_t>(others));
  }
  bool preempt(const G&, const RunQueue&) noexcept override {
    for (++step_; used_ < preempt_at_.size() && preempt_at_[used_] < step_; ++used_) {
      preempting_ = true;
    }
    return preempting_;
  }
  std::uint32_t lateness(std::uint32_t levels) noexcept override {
    return random_.below(2) == 0 ? 0 : random_.below(levels);
  }

 private:
  std::vector<std::uint64_t> preempt_at_;  // Ascending.
  std::size_t used_ = 0;
  std::uint64_t step_ = 0;
  bool preempting_ = false;
};

}  // namespace

std::unique_ptr<Policy> make_bounded(const PolicySpec& spec, std::uint64_t seed) {
  return std::make_unique<Bounded>(seed, spec.get("bound", 2), spec.get("steps", 200));
}

}  // namespace weft::sim
