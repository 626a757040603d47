// SPDX-License-Identifier: Apache-2.0
// The pool of Gs with one size of stack: hands out idle Gs, last in first out, and enumerates all
// it ever made.
#pragma once

#include "scheduler/g.h"
#include "scheduler/stack.h"

namespace weft {

class GPool {
 public:
  GPool(std::size_t stack_bytes, GuardKind guard);
  ~GPool();
  GPool(const GPool&) = delete;
  GPool& operator=(const GPool&) = delete;

  // Returns an idle or dead G whose fiber is not prepared. Fails when there is no address space for
  // a stack.
  Result<G*> take();

  // Takes back a dead G. Its stack may still be in use by the caller's last frames: nothing is
  // unmapped or reused before the next take().
  void put(G& g);

  // The i-th G ever made; i < size(). Dead ones included.
  [[nodiscard]] std::size_t size() const { return stacks_.used(); }
  [[nodiscard]] G& at(std::size_t i) const;

  [[nodiscard]] const StackPool& stacks() const { return stacks_; }

 private:
  StackPool stacks_;
  G* free_ = nullptr;
};

}  // namespace weft
