// SPDX-License-Identifier: Apache-2.0
// lifo: what became runnable last runs next. Nothing is preempted. The G that has waited longest
// starves, and that is the purpose: a program that is right under lifo does not rely on fairness.
#include "sim/policies/all.h"
#include "sim/policy.h"

namespace weft::sim {
namespace {

class Lifo final : public Policy {
 public:
  using Policy::Policy;
  std::size_t next_g(const RunQueue& queue) noexcept override { return queue.size() - 1; }
};

}  // namespace

std::unique_ptr<Policy> make_lifo(const PolicySpec&, std::uint64_t seed) {
  return std::make_unique<Lifo>(seed);
}

}  // namespace weft::sim
