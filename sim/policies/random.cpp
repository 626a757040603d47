// SPDX-License-Identifier: Apache-2.0
// random: a random walk. Each runnable G is equally likely to be next; at a safe point the running
// one makes room once in `preempt` times (default 8; 0: never); every other sleep ends late.
#include "sim/policies/all.h"
#include "sim/policy.h"

namespace weft::sim {
namespace {

class RandomWalk final : public Policy {
 public:
  RandomWalk(std::uint64_t seed, std::uint32_t preempt_one_in)
      : Policy(seed), preempt_one_in_(preempt_one_in) {}

  std::size_t next_g(const RunQueue& queue) noexcept override {
    return random_.below(static_cast<std::uint32_t>(queue.size()));
  }
  bool preempt(const G&, const RunQueue&) noexcept override {
    return preempt_one_in_ > 0 && random_.below(preempt_one_in_) == 0;
  }
  std::uint32_t lateness(std::uint32_t levels) noexcept override {
    return random_.below(2) == 0 ? 0 : random_.below(levels);
  }

 private:
  const std::uint32_t preempt_one_in_;
};

}  // namespace

std::unique_ptr<Policy> make_random(const PolicySpec& spec, std::uint64_t seed) {
  return std::make_unique<RandomWalk>(seed, static_cast<std::uint32_t>(spec.get("preempt", 8)));
}

}  // namespace weft::sim
