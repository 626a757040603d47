// SPDX-License-Identifier: Apache-2.0
#include "capi/own_stack.h"

#include <utility>

#include "scheduler/api.h"

namespace weft::capi {
namespace {

struct Errand {
  void (*f)(void* argument);
  void* argument;
  FiberContext back = nullptr;   // Where call_on_stack() stopped.
  FiberContext ended = nullptr;  // Never read.
  FiberNotes notes = {};         // Of the G's own stack.
};
// From the switch to the first frame on the new stack.
thread_local constinit Errand* begun = nullptr;

void errand_main() {
  Errand& errand = *std::exchange(begun, nullptr);
  errand.f(errand.argument);
  switch_context(*fiber_thread.eh, errand.ended, this_g().stack->notes, errand.back, errand.notes,
                 true);
}

}  // namespace

// The G's notes are those of the stack that it is on: the scheduler switches by them.
void call_on_stack(void* bottom, std::size_t bytes, void (*f)(void* argument), void* argument) {
  FiberNotes& notes = this_g().stack->notes;
  Errand errand{f, argument};
  FiberNotes theirs;
  const FiberContext first =
      make_context<&errand_main>(bottom, static_cast<std::byte*>(bottom) + bytes, theirs);
  errand.notes = std::exchange(notes, theirs);
  begun = &errand;
  switch_context(*fiber_thread.eh, errand.back, errand.notes, first, notes);
  theirs = std::exchange(notes, errand.notes);
  theirs.end();
}

}  // namespace weft::capi
