// SPDX-License-Identifier: Apache-2.0
// How a fiber starts: fiber_entry is the first frame on every fiber's stack.
#include "scheduler/fiber.h"

#include "base/check.h"

namespace weft {
namespace {

void fiber_entry(boost::context::detail::transfer_t transfer) {
  auto& came_from = *static_cast<Fiber*>(transfer.data);
  came_from.context = transfer.fctx;
  Fiber& self = *fiber_thread.entered;
  detail::after_switch(came_from, nullptr);
  self.main(self.argument);
  WEFT_CHECK(false, "a fiber's main returned");
}

}  // namespace

Fiber::~Fiber() {
#if defined(WEFT_TSAN)
  if (tsan_fiber != nullptr && main != nullptr) __tsan_destroy_fiber(tsan_fiber);
#endif
}

void Fiber::prepare(void* bottom, void* top, Main new_main, void* new_argument) {
  const auto size = static_cast<std::size_t>(static_cast<char*>(top) - static_cast<char*>(bottom));
  context = boost::context::detail::make_fcontext(top, size, &fiber_entry);
  eh = {};
  main = new_main;
  argument = new_argument;
#if defined(WEFT_ASAN)
  fake_stack = nullptr;
  stack_bottom = bottom;
  stack_size = size;
#endif
#if defined(WEFT_TSAN)
  if (tsan_fiber == nullptr) tsan_fiber = __tsan_create_fiber(0);
#endif
}

void Fiber::adopt_thread() {
  fiber_thread.eh = reinterpret_cast<EhGlobals*>(abi::__cxa_get_globals());
#if defined(WEFT_TSAN)
  tsan_fiber = __tsan_get_current_fiber();
#endif
}

}  // namespace weft
