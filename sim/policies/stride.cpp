// SPDX-License-Identifier: Apache-2.0
// stride: fair shares (Waldspurger and Weihl, 1995). Each G has tickets, by its name
// (stride:web=3,batch=1; 1 when it is not named), and a pass, which every safe point and every turn
// raises by 1/tickets. The runnable G with the lowest pass runs; the running one makes room when it
// is `slack` steps ahead. A G that comes back from waiting starts at the lowest pass of those that
// did not wait: time that it did not use is not saved.
#include <algorithm>
#include <unordered_map>

#include "scheduler/g.h"
#include "sim/policies/all.h"
#include "sim/policy.h"

namespace weft::sim {
namespace {

constexpr std::uint64_t kStride = 1 << 20;
constexpr std::uint64_t kSlack = 8;  // Turns shorter than this would be all switches.

class Stride final : public Policy {
 public:
  Stride(std::uint64_t seed, PolicySpec spec)
      : Policy(seed), spec_(with_g_names(std::move(spec))) {}

  std::size_t next_g(const RunQueue& queue) noexcept override {
    std::size_t best = 0;
    for (std::size_t i = 1; i < queue.size(); ++i) {
      if (pass(queue.peek_unchecked(i)) < pass(queue.peek_unchecked(best))) best = i;
    }
    const G* g = queue.peek_unchecked(best);
    now_ = std::max(now_, pass(g));
    passes_[g] += stride_of(*g);
    return best;
  }
  [[nodiscard]] bool counts_safe_points() const noexcept override { return true; }
  bool preempt(const G& running, const RunQueue& queue) noexcept override {
    const std::uint64_t mine = passes_[&running] += stride_of(running);
    std::uint64_t least = UINT64_MAX;
    for (std::size_t i = 0; i < queue.size(); ++i) {
      least = std::min(least, pass(queue.peek_unchecked(i)));
    }
    return mine > least + kSlack * stride_of(running);
  }
  void on_event(const GEvent& event) noexcept override {
    if (event.to == GState::dead) passes_.erase(&event.g);
    const bool comes_back = event.from == GState::waiting || event.from == GState::idle;
    if (comes_back) passes_[&event.g] = std::max(passes_[&event.g], now_);
  }

 private:
  std::uint64_t stride_of(const G& g) const {
    return kStride / std::clamp<std::uint64_t>(spec_.get(g.name, 1), 1, kStride);
  }
  std::uint64_t pass(const G* g) { return passes_.try_emplace(g, now_).first->second; }

  const PolicySpec spec_;
  std::unordered_map<const G*, std::uint64_t> passes_;
  std::uint64_t now_ = 0;  // The pass of the G that was chosen last.
};

}  // namespace

std::unique_ptr<Policy> make_stride(const PolicySpec& spec, std::uint64_t seed) {
  return std::make_unique<Stride>(seed, spec);
}

}  // namespace weft::sim
