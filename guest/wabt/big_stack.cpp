// SPDX-License-Identifier: Apache-2.0
#include "guest/wabt/big_stack.h"

#include <sys/mman.h>

#include "base/sanitizers.h"
#include "scheduler/fiber.h"

#if defined(WEFT_ASAN)
#include <sanitizer/asan_interface.h>
#endif

namespace weft {
namespace {

// More than a frame of libwabt's.
constexpr std::size_t kGuardBytes = std::size_t{1} << 20;

struct Call {
  const std::function<void()>& f;
  Fiber caller;
  Fiber callee;
};

void call_main(void* argument) {
  auto& call = *static_cast<Call*>(argument);
  call.f();
  switch_fiber(call.callee, call.caller, true);
}

}  // namespace

void on_big_stack(std::size_t bytes, const std::function<void()>& f) {
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
  void* stack = MAP_FAILED;
  for (; stack == MAP_FAILED && bytes > 2 * kGuardBytes; bytes /= 2) {
    stack = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, kFlags, -1, 0);
    if (stack != MAP_FAILED) break;
  }
  if (stack == MAP_FAILED) return f();
  ::mprotect(stack, kGuardBytes, PROT_NONE);
  Call call{f, {}, {}};
  call.caller.adopt_thread();
  call.callee.prepare(stack, static_cast<std::byte*>(stack) + bytes, &call_main, &call);
  switch_fiber(call.caller, call.callee);
#if defined(WEFT_ASAN)
  // Frames that never returned have left poison: the next mapping at this address must not find it.
  ASAN_UNPOISON_MEMORY_REGION(stack, bytes);
#endif
  ::munmap(stack, bytes);
}

}  // namespace weft
