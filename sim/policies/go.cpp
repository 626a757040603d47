// SPDX-License-Identifier: Apache-2.0
// go: the order of Go's scheduler on an ordinary system with GOMAXPROCS=1 (runtime/proc.go).
//
//   readied by a G, or spawned ─▶ runnext ─ the one before it ─▶ local ring (256) ─ half ─▶ global
//   a sleep that ended         ─▶ runnext
//   readied by the poller      ─▶ local ring
//   yielded or preempted       ─▶ global
//
// Next: once in 61 turns the global queue's oldest, else runnext, the local ring's oldest, the
// global queue's oldest. Go's preemption after 10 ms is `quantum` safe points here (default 100).
// What is not modelled: stealing (there is one P) and the time slice that runnext inherits.
#include <deque>

#include "scheduler/api.h"
#include "sim/policies/all.h"
#include "sim/policy.h"

namespace weft::sim {
namespace {

constexpr std::size_t kRing = 256;
constexpr std::uint64_t kGlobalEvery = 61;

class Go final : public Policy {
 public:
  Go(std::uint64_t seed, std::uint64_t quantum) : Policy(seed), quantum_(quantum) {}

  std::size_t next_g(const RunQueue& queue) noexcept override {
    used_ = 0;
    const G* g = nullptr;
    const bool global_first = ++turns_ % kGlobalEvery == 0 && !global_.empty();
    if (!global_first && runnext_ != nullptr) {
      g = std::exchange(runnext_, nullptr);
    } else if (!global_first && !local_.empty()) {
      g = take(local_);
    } else if (!global_.empty()) {
      g = take(global_);
    }
    // One that was runnable before this policy came is in none of its queues.
    const std::size_t place = place_of(g, queue);
    return place < queue.size() ? place : 0;
  }
  [[nodiscard]] bool counts_safe_points() const noexcept override { return true; }
  bool preempt(const G&, const RunQueue&) noexcept override { return ++used_ >= quantum_; }

  void on_event(const GEvent& event) noexcept override {
    if (event.to == GState::running) forget(&event.g);
    if (event.to != GState::runnable) return;
    const bool by_g = scheduler_of_thread != nullptr && scheduler_of_thread->current() != nullptr;
    const bool slept = event.g.wait_reason == WaitReason::sleep;
    if (event.from == GState::running) {
      global_.push_back(&event.g);
    } else if (by_g || slept || event.from == GState::idle) {
      if (runnext_ != nullptr) put_local(runnext_);
      runnext_ = &event.g;
    } else {
      put_local(&event.g);
    }
  }

 private:
  static const G* take(std::deque<const G*>& queue) {
    const G* g = queue.front();
    queue.pop_front();
    return g;
  }
  void put_local(const G* g) {
    if (local_.size() == kRing) {  // Half of them and the new one make room, as runqputslow.
      for (std::size_t i = 0; i < kRing / 2; ++i) global_.push_back(take(local_));
      global_.push_back(g);
    } else {
      local_.push_back(g);
    }
  }
  // This G runs, also when a replay and not this policy has chosen it.
  void forget(const G* g) {
    if (runnext_ == g) runnext_ = nullptr;
    std::erase(local_, g);
    std::erase(global_, g);
  }

  const std::uint64_t quantum_;
  const G* runnext_ = nullptr;
  std::deque<const G*> local_;
  std::deque<const G*> global_;
  std::uint64_t turns_ = 0;
  std::uint64_t used_ = 0;  // Safe points of the running turn.
};

}  // namespace

std::unique_ptr<Policy> make_go(const PolicySpec& spec, std::uint64_t seed) {
  return std::make_unique<Go>(seed, spec.get("quantum", 100));
}

}  // namespace weft::sim
