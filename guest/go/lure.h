// SPDX-License-Identifier: Apache-2.0
// Lure: makes a goroutine give way at the start of the next function that it calls. Any function
// will do, and it can be asked for at any time.
//
// Each Go function that is not nosplit compares its stack pointer with g.stackguard0 and calls
// morestack when there is no room; and newstack, when it finds stackPreempt there, puts the
// goroutine behind the others, unless the runtime can't be interrupted at the moment. On other
// systems sysmon stores stackPreempt. Not here: a function with a large frame adds its size to the
// guard in 32 bits, where stackPreempt wraps around; it would neither give way nor see a stack
// that is too small.
//
//   set()                 g.stackguard0 = kLure: above every stack, far from the wrap
//   the next prologue     calls morestack
//   entry of morestack    springs(): kLure becomes stackPreempt, which newstack takes away again
//
// So nobody pays for it while nobody is to give way: a prologue has no more to do than Go's own.
// It is stored for the goroutine that has the thread, as sysmon does: no other can be at a
// prologue. When another gets the thread it is taken away, so nothing is left behind:
// runtime.execute writes the guard of who runs next, but a coroutine of iter.Pull goes on without.
#pragma once

#include "guest/go/go_runtime.h"
#include "os/wasip1/memory.h"

namespace weft::guest::go {

// A prologue compares in 32 bits; with the frame of a function added it is still above the stack
// pointer. A guest with more memory than that is left alone.
inline constexpr std::uint64_t kLure = 0xf000'0000;
// Go's stackPreempt, and what all such wishes are at least.
inline constexpr std::uint64_t kStackPreempt = 0xffff'ffff'ffff'fade;
inline constexpr std::uint64_t kStackPoisonMin = 0xffff'ffff'ffff'f000;

class Lure {
 public:
  explicit Lure(const GoRuntime& runtime) : guard_at_(runtime.offsets.g_stackguard0) {}

  // A goroutine gets the thread.
  void execute(std::uint32_t g, wasip1::Memory memory);
  // The running one hands the thread on to this one, and with it what it was asked.
  void coroswitch(std::uint32_t g, wasip1::Memory memory);
  [[nodiscard]] std::uint32_t running() const { return running_; }  // Its g; 0: not known yet.
  [[nodiscard]] bool is_set() const { return is_set_; }

  // False: the runtime has a wish of its own there, or is on the way from morestack to newstack.
  bool set(wasip1::Memory memory);
  // At the entry of morestack. Is it now asked to give way?
  bool springs(std::uint32_t g, wasip1::Memory memory);

 private:
  void take_away(wasip1::Memory memory);

  const std::uint32_t guard_at_;
  std::uint32_t running_ = 0;
  bool is_set_ = false;
  std::uint64_t guard_ = 0;  // What it stands in the place of, while it is set.
};

}  // namespace weft::guest::go
