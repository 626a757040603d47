// SPDX-License-Identifier: Apache-2.0
// How a Fiber starts: its entry is the first frame on its stack.
#include "scheduler/fiber.h"

#include "base/check.h"

namespace weft {
namespace {

void fiber_main() {
  Fiber& self = *fiber_thread.entered;
  self.main(self.argument);
  WEFT_CHECK(false, "a fiber's main returned");
}

}  // namespace

void Fiber::prepare(void* bottom, void* top, Main new_main, void* new_argument) {
  main = new_main;
  argument = new_argument;
  context = make_context<&fiber_main>(bottom, top, notes);
}

void Fiber::adopt_thread() {
  fiber_thread.eh = eh_globals();
  notes.adopt_thread();
}

}  // namespace weft
