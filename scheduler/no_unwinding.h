// SPDX-License-Identifier: Apache-2.0
// What a `throw` does on a target whose C++ runtime has no exceptions (WEFT_UNWINDS is 0): it
// reaches the innermost call_catching() of its fiber, and the frames between are dropped. No
// destructor of theirs runs and no catch block is looked at.
//
//   call_catching(point, f) ─ f ─ g ─ throw Throw("...")
//        ▲                               │ Asyncify unwinds f and g as for a switch,
//        └───────────────────────────────┘ and what they saved is never read
//
// That is enough for the border to C (capi/boundary.h): the errors that it turns into codes are
// thrown before anything is held. Where a destructor would be needed, nothing is thrown: a
// scheduler that ends gives its Gs up (Scheduler::wind_up). A throw that no call_catching() is
// there for ends the program with a line that names the type.
#pragma once

#include <cstddef>
#include <exception>
#include <new>
#include <typeinfo>
#include <utility>

#include "scheduler/asyncify.h"
#include "scheduler/fiber_asyncify.h"

namespace weft {

// On the stack of a call_catching(). Afterwards it says what was thrown, and owns it.
struct CatchPoint {
  CatchPoint() = default;
  CatchPoint(const CatchPoint&) = delete;
  CatchPoint& operator=(const CatchPoint&) = delete;
  ~CatchPoint();

  // The thing thrown, if it is of exactly this type.
  template <class T>
  [[nodiscard]] const T* get() const {
    return type != nullptr && *type == typeid(T) ? static_cast<const T*>(thrown) : nullptr;
  }

  CatchPoint* outer = nullptr;
  std::byte* stack_pointer = nullptr;
  void* thrown = nullptr;
  const std::type_info* type = nullptr;
};

namespace detail {

extern "C" void weft_call_catching(void (*f)(void*), void* context, CatchPoint* point);
using Destroy = void* (*)(void*);  // On wasm a destructor returns its object.
void* allocate_exception(std::size_t bytes, const std::type_info& type, Destroy destroy);
std::exception_ptr exception_pointer(void* thrown);

}  // namespace detail

// Calls f(argument). False: something was thrown.
inline bool call_catching(CatchPoint& point, void (*f)(void*), void* argument) {
  const FiberContext fiber = running_fiber();
  point.outer = std::exchange(fiber->catching, &point);
  point.stack_pointer = stack_pointer();
  detail::weft_call_catching(f, argument, &point);
  fiber->catching = point.outer;
  return point.type == nullptr;
}

// Calls f().
template <class F>
bool call_catching(CatchPoint& point, F&& f) {
  return call_catching(
      point, [](void* g) { (*static_cast<std::remove_reference_t<F>*>(g))(); }, &f);
}

// std::make_exception_ptr, which throws to make one.
template <class T>
std::exception_ptr make_failure(T&& thrown) {
  using Value = std::remove_cvref_t<T>;
  void* const at = detail::allocate_exception(sizeof(Value), typeid(Value), [](void* value) {
    static_cast<Value*>(value)->~Value();
    return value;
  });
  new (at) Value(std::forward<T>(thrown));
  return detail::exception_pointer(at);
}

}  // namespace weft
