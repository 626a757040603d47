// SPDX-License-Identifier: Apache-2.0
// The wait list: how every primitive keeps the Gs that wait for it.
//
//   the waiting G                               the G that ends the wait
//   Waiter w(this_g());    on its own stack
//   list.push_back(w);
//   park(reason);                               Waiter* w = pop_waiting(list);
//                                               hands over what w waited for
//   goes on, or ~Waiter unlinks  ◀────────────  ready(w->g());
//
// A node on the waiting G's stack, and not the G itself, because a G in a select waits on several
// lists, and because what it waits for (where to put the value, how many units) is then beside the
// link. Nothing is allocated.
//
// kill() and a deadline ready a G without asking the list, and until it runs its node is still
// here. Such a node is stale: pop_waiting and front_waiting drop it. When park throws Killed,
// ~Waiter unlinks a node that is still linked.
//
// Invariants:
//   I1. A node's G is parked, or has been readied by a kill or a deadline and has not run since.
//   I2. A G is handed something only through a node that pop_waiting returned.
#pragma once

#include "base/list.h"
#include "scheduler/api.h"

namespace weft {

struct WaitListTag {};

class Waiter : public ListLink<WaitListTag> {
 public:
  Waiter() = default;  // For arrays: set_g() before it goes on a list.
  explicit Waiter(G& g) : g_(&g) {}
  ~Waiter() {
    if (linked()) [[unlikely]]
      unlink();
  }

  [[nodiscard]] G& g() const { return *g_; }
  void set_g(G& g) { g_ = &g; }

 private:
  G* g_ = nullptr;
};

// A list of Waiters or of a type derived from it.
template <class W>
using WaitList = List<W, WaitListTag>;

// The oldest waiter whose G is parked, or nullptr. Takes stale nodes before it off the list.
template <class W>
W* front_waiting(WaitList<W>& list) {
  for (;;) {
    W* waiter = list.front();
    if (waiter == nullptr || waiter->g().is_waiting()) [[likely]]
      return waiter;
    waiter->unlink();
  }
}

// As front_waiting, and takes it off the list. The caller readies its G.
template <class W>
W* pop_waiting(WaitList<W>& list) {
  W* waiter = front_waiting(list);
  if (waiter != nullptr) waiter->unlink();
  return waiter;
}

// Parks for ever: the running G leaves only when it is killed.
[[noreturn]] inline void park_forever(WaitReason reason) {
  for (;;) park(reason);
}

}  // namespace weft
