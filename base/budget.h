// SPDX-License-Identifier: Apache-2.0
// Budget: an amount of something that can be used up, or held and given back. Budgets stack: what
// is taken from a guest's budget is taken from that of all guests too, or from neither.
//
//   Budgets all({.descriptors = 1'000});
//   Budgets guest({.descriptors = 64}, &all);
//   guest.descriptors.take(1)      false when the guest has 64, or all have 1,000
//
// No I/O, no clock, no allocation.
//
// From: one thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/check.h"

namespace weft {

// An amount of one thing.
class Budget {
 public:
  // No limit.
  static constexpr std::uint64_t kUnlimited = UINT64_MAX;

  // `above` must outlive this.
  explicit Budget(std::uint64_t max = kUnlimited, Budget* above = nullptr)
      : max_(max), above_(above) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  // Takes n, or nothing and returns false.
  bool take(std::uint64_t n) {
    if (n > left()) return false;
    for (Budget* budget = this; budget != nullptr; budget = budget->above_) budget->used_ += n;
    return true;
  }

  // Takes as much of n as there is, and says how much that was.
  std::uint64_t take_up_to(std::uint64_t n) {
    const std::uint64_t taken = std::min(n, left());
    (void)take(taken);
    return taken;
  }

  // Of what was taken.
  void give_back(std::uint64_t n) {
    WEFT_CHECK(n <= used_, "more was given back to a budget than was taken");
    for (Budget* budget = this; budget != nullptr; budget = budget->above_) budget->used_ -= n;
  }

  // What may be taken yet.
  [[nodiscard]] std::uint64_t left() const {
    std::uint64_t least = max_ - used_;
    if (above_ != nullptr) least = std::min(least, above_->left());
    return least;
  }
  // What is taken of it, and how much there is in all.
  [[nodiscard]] std::uint64_t used() const { return used_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }
  // Does this budget itself, and not one above it, have less than n left?
  [[nodiscard]] bool lacks_itself(std::uint64_t n) const { return max_ - used_ < n; }

 private:
  const std::uint64_t max_;
  std::uint64_t used_ = 0;
  Budget* const above_;
};

// How much of each thing one guest may have, or all guests of a runtime together.
struct BudgetSizes {
  std::uint64_t memory_bytes = Budget::kUnlimited;    // Linear memory, initial and grown.
  std::uint64_t table_elements = Budget::kUnlimited;  // Of all tables.
  std::uint64_t stack_bytes = Budget::kUnlimited;     // Of call stacks, as they are reserved.
  std::uint64_t descriptors = Budget::kUnlimited;     // Open at a time, stdio included.
  std::uint64_t output_bytes = Budget::kUnlimited;    // Written to files, pipes and sockets.
  std::uint64_t fuel = Budget::kUnlimited;            // Fuel: loops and calls.
};

// A Budget of each kind.
struct Budgets {
  // `above` must outlive this.
  explicit Budgets(const BudgetSizes& sizes = {}, Budgets* above = nullptr)
      : memory_bytes(sizes.memory_bytes, above != nullptr ? &above->memory_bytes : nullptr),
        table_elements(sizes.table_elements, above != nullptr ? &above->table_elements : nullptr),
        stack_bytes(sizes.stack_bytes, above != nullptr ? &above->stack_bytes : nullptr),
        descriptors(sizes.descriptors, above != nullptr ? &above->descriptors : nullptr),
        output_bytes(sizes.output_bytes, above != nullptr ? &above->output_bytes : nullptr),
        fuel(sizes.fuel, above != nullptr ? &above->fuel : nullptr) {}

  // What is held goes back to the budgets above; output and fuel are spent.
  ~Budgets() {
    for (Budget* held : {&memory_bytes, &table_elements, &stack_bytes, &descriptors}) {
      held->give_back(held->used());
    }
  }
  Budgets(const Budgets&) = delete;
  Budgets& operator=(const Budgets&) = delete;

  Budget memory_bytes;    // As in BudgetSizes.
  Budget table_elements;  // Of all tables.
  Budget stack_bytes;     // Of call stacks.
  Budget descriptors;     // Open now.
  Budget output_bytes;    // Written so far.
  Budget fuel;            // Given so far.
};

}  // namespace weft
