// SPDX-License-Identifier: Apache-2.0
#include "scheduler/g_pool.h"

#include <new>

namespace weft {

static_assert(sizeof(G) % 64 == 0, "a G is whole cache lines, as the header of a stack must be");
static_assert(sizeof(G) <= 384, "a parked G and its frames should fit in one page");

GPool::GPool(std::size_t stack_bytes, GuardKind guard)
    : stacks_({.slot_bytes = stack_bytes, .header_bytes = sizeof(G), .guard = guard}) {}

GPool::~GPool() {
  for (std::size_t i = 0; i < size(); ++i) at(i).~G();
}

G& GPool::at(std::size_t i) const {
  return *std::launder(reinterpret_cast<G*>(stacks_.slot(i).header));
}

Result<G*> GPool::take() {
  if (free_ != nullptr) {
    G* g = free_;
    free_ = g->pool_next;
    g->pool_next = nullptr;
    return g;
  }
  Result<StackPool::Slot> slot = stacks_.fresh();
  if (!slot) return slot.error();
  return new (slot->header) G(*this, slot->bottom);
}

void GPool::put(G& g) {
  g.pool_next = free_;
  free_ = &g;
}

}  // namespace weft
