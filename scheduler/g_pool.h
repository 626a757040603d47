// SPDX-License-Identifier: Apache-2.0
// The pool of Gs with one size of stack. It hands out a G when it is spawned, and a stack when that
// G first runs. Both are last in, first out: what is warm in the caches is used again first.
//
// Invariants:
//   I1. The stacks have address space for as many as there are live Gs: give_stack() always finds
//       one for a G from take().
//   I2. The free lists have room for every G and stack: giving back allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "scheduler/g.h"
#include "scheduler/stack.h"

namespace weft {

class GPool {
 public:
  // `index` is what its Gs have as G::pool. `current_m`: see GStack.
  GPool(std::uint8_t index, std::size_t stack_bytes, GuardKind guard, M* const& current_m);
  ~GPool();
  GPool(const GPool&) = delete;
  GPool& operator=(const GPool&) = delete;

  // Returns an idle or dead G without a stack. Fails when there is no memory for it, or no address
  // space for a stack (I1). Throws std::bad_alloc.
  Result<G*> take() {
    if (live_ >= room_ || free_count_ <= low_) [[unlikely]]
      return take_slowly();
    ++live_;
    return free_[--free_count_];
  }

  // Takes back a G that has ended, or never ran, and has no stack any more.
  void put(G& g) {
    --live_;
    free_[free_count_++] = &g;  // I2
  }

  // Gives a G from take() its stack.
  void give_stack(G& g) {
    const StackPool::Taken taken = stacks_.take();
    auto* stack = std::launder(reinterpret_cast<GStack*>(taken.slot.header));
    if (taken.is_blank) [[unlikely]]
      stack = new (taken.slot.header) GStack(taken.slot.bottom, current_m_);
    own(*stack, g);
  }

  // Takes the stack of a G that has ended, which may still be in use by the caller's last frames:
  // nothing of it is changed before the next give_stack().
  void take_stack(G& g) {
    GStack& stack = *std::exchange(g.stack, nullptr);
    stacks_.give_back(
        {static_cast<std::byte*>(stack.bottom), reinterpret_cast<std::byte*>(&stack)});
  }

  // The stack of one that has ended is the other's, which has not run yet.
  static void pass_stack(G& from, G& to) { own(*std::exchange(from.stack, nullptr), to); }

  // Calls f(G&) for each G of the pool, in the order in which they were made.
  template <class F>
  void for_each(F&& f) {
    for (std::size_t i = 0; i < made_; ++i) f(slabs_[i / kGsPerSlab][i % kGsPerSlab]);
  }

  [[nodiscard]] const StackPool& stacks() const { return stacks_; }

  // Returns memory of dead Gs and free stacks to the system, as StackPool does. Pages from which no
  // G was taken in a period go all at once: about 20 ns a G, where there are many.
  void end_period();
  bool return_some() { return stacks_.return_some(); }
  [[nodiscard]] bool has_much_idle() const {
    return stacks_.has_much_idle() || free_count_ - returned_ >= kManyGs;
  }

 private:
  static constexpr std::size_t kGsPerSlab = 8192;  // 1 MiB.

  static constexpr std::size_t kManyGs = 65'536;  // 8 MiB.

  static void own(GStack& stack, G& g) {
    stack.sleep_timer.g = &g;
    stack.sampled_cpu = {};
    g.stack = &stack;
  }
  Result<G*> take_slowly();
  Result<G*> take_new();
  void return_gs(std::size_t cold);
  Status make_room();

  const std::uint8_t index_;
  M* const& current_m_;
  StackPool stacks_;
  std::vector<G*> slabs_;
  std::size_t made_ = 0;  // How many have been handed out at least once.
  std::size_t live_ = 0;
  std::size_t room_ = 0;  // For how many live Gs there are stacks (I1).
  // Last put at the end.
  std::unique_ptr<G*[]> free_;
  std::size_t free_count_ = 0;
  std::size_t free_capacity_ = 0;
  std::size_t low_ = 0;       // The least that free_count_ was in this period.
  std::size_t returned_ = 0;  // Of so many of the oldest there the memory has gone, where it could.
};

}  // namespace weft
