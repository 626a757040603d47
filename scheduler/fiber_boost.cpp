// SPDX-License-Identifier: Apache-2.0
#include "scheduler/fiber_boost.h"

#include <cxxabi.h>

#if defined(_LIBCPP_VERSION)
// The C++ ABI's, 2.2.2: libc++abi has it, and declares it nowhere.
namespace __cxxabiv1 {
struct __cxa_eh_globals;
extern "C" __cxa_eh_globals* __cxa_get_globals() noexcept;
}  // namespace __cxxabiv1
#endif

namespace weft {

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

void FiberNotes::adopt_thread() {
#if defined(WEFT_TSAN)
  tsan_fiber = __tsan_get_current_fiber();
#endif
}

EhGlobals* eh_globals() {
  return reinterpret_cast<EhGlobals*>(abi::__cxa_get_globals());
}

}  // namespace weft
