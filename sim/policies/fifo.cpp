// SPDX-License-Identifier: Apache-2.0
// fifo: first in, first out, as the scheduler does without a Chooser. Nothing is preempted, sleeps
// end on time; only the choice between ready cases of a select depends on the seed.
#include "sim/policies/all.h"
#include "sim/policy.h"

namespace weft::sim {
namespace {

class Fifo final : public Policy {
 public:
  using Policy::Policy;
  std::size_t next_g(const RunQueue&) noexcept override { return 0; }
};

}  // namespace

std::unique_ptr<Policy> make_fifo(const PolicySpec&, std::uint64_t seed) {
  return std::make_unique<Fifo>(seed);
}

}  // namespace weft::sim
