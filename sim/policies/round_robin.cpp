// SPDX-License-Identifier: Apache-2.0
// rr: round robin. First in, first out, and a G that has passed `quantum` safe points since it got
// the thread (default 10) goes to the tail. Counting safe points and not seconds makes a quantum
// repeatable.
#include "scheduler/scheduler.h"
#include "sim/policies/all.h"
#include "sim/policy.h"

namespace weft::sim {
namespace {

class RoundRobin final : public Policy {
 public:
  RoundRobin(std::uint64_t seed, std::uint64_t quantum) : Policy(seed), quantum_(quantum) {}

  std::size_t next_g(const RunQueue&) noexcept override { return 0; }
  [[nodiscard]] bool counts_safe_points() const noexcept override { return true; }
  bool preempt(const G& running, const RunQueue&) noexcept override {
    const std::uint64_t turn = scheduler_of_thread->switches();
    if (turn != turn_ || running.id != id_) {
      turn_ = turn;
      id_ = running.id;
      used_ = 0;
    }
    return ++used_ >= quantum_;
  }

 private:
  const std::uint64_t quantum_;
  // Whose turn is counted: the G, and which turn of all.
  std::uint64_t id_ = 0;
  std::uint64_t turn_ = 0;
  std::uint64_t used_ = 0;
};

}  // namespace

std::unique_ptr<Policy> make_round_robin(const PolicySpec& spec, std::uint64_t seed) {
  return std::make_unique<RoundRobin>(seed, spec.get("quantum", 10));
}

}  // namespace weft::sim
