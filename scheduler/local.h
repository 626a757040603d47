// SPDX-License-Identifier: Apache-2.0
// G-local storage: a variable of which each G has its own.
//
//   weft::GLocal<int> depth;   // Usually a global.
//   ++*depth;                  // This G's own value, made (as T{}) when this G first asks for it.
//
// A value is made when its G first asks for it, hangs on that G's list (GStack::locals), and is
// destroyed on the G's own stack when the G's function has returned or been unwound, newest first.
// A value's destructor may use the scheduler, and may make other values, which are destroyed too.
//
// It costs one allocation for each G that uses the variable. Each use walks along the G's list,
// which has an entry for each variable of the G: in a loop, keep the reference.
//
// From: a G.
#pragma once

#include "scheduler/api.h"

namespace weft {

// A variable of type T of which each G has its own.
template <class T>
class GLocal {
 public:
  GLocal() = default;
  GLocal(const GLocal&) = delete;
  GLocal& operator=(const GLocal&) = delete;

  // This G's value; made now if it was not. On a G only. The reference holds until the G ends. The
  // GLocal must live until every G that used it has ended.
  T& get() {
    G& g = this_g();
    for (GLocalValue* value = g.stack->locals; value != nullptr; value = value->next) {
      if (value->key == this) return static_cast<Value*>(value)->value;
    }
    auto* value = new Value(this);
    value->next = g.stack->locals;  // After T's constructor, which may have made values of its own.
    g.stack->locals = value;
    return value->value;
  }
  // As get().
  T& operator*() { return get(); }
  T* operator->() { return &get(); }

 private:
  struct Value : GLocalValue {
    explicit Value(const void* owner)
        : GLocalValue{owner, nullptr, [](GLocalValue* self) { delete static_cast<Value*>(self); }} {
    }
    T value{};
  };
};

}  // namespace weft
