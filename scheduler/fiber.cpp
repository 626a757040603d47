// SPDX-License-Identifier: Apache-2.0
// How a fiber starts: its entry is the first frame on its stack.
#include "scheduler/fiber.h"

#include "base/check.h"

#if defined(_LIBCPP_VERSION)
// The C++ ABI's, 2.2.2: libc++abi has it, and declares it nowhere.
namespace __cxxabiv1 {
struct __cxa_eh_globals;
extern "C" __cxa_eh_globals* __cxa_get_globals() noexcept;
}  // namespace __cxxabiv1
#endif

namespace weft {
namespace {

void fiber_main() {
  Fiber& self = *fiber_thread.entered;
  self.main(self.argument);
  WEFT_CHECK(false, "a fiber's main returned");
}

}  // namespace

// What TSan keeps of a fiber goes to the next one on its stack.
void FiberNotes::prepare([[maybe_unused]] void* bottom, [[maybe_unused]] void* top) {
#if defined(WEFT_ASAN)
  fake_stack = nullptr;
  stack_bottom = bottom;
  stack_size = static_cast<std::size_t>(static_cast<char*>(top) - static_cast<char*>(bottom));
#endif
#if defined(WEFT_TSAN)
  if (tsan_fiber == nullptr) tsan_fiber = __tsan_create_fiber(0);
#endif
}

void FiberNotes::end() {
#if defined(WEFT_TSAN)
  if (tsan_fiber != nullptr) __tsan_destroy_fiber(std::exchange(tsan_fiber, nullptr));
#endif
}

void Fiber::prepare(void* bottom, void* top, Main new_main, void* new_argument) {
  main = new_main;
  argument = new_argument;
  context = make_context<&fiber_main>(bottom, top, notes);
}

void Fiber::adopt_thread() {
  fiber_thread.eh = reinterpret_cast<EhGlobals*>(abi::__cxa_get_globals());
#if defined(WEFT_TSAN)
  notes.tsan_fiber = __tsan_get_current_fiber();
#endif
}

}  // namespace weft
