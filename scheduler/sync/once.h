// SPDX-License-Identifier: Apache-2.0
// once: calls a function the first time only, as Go's Once. Everybody who comes while it runs waits
// until it has ended (as for a lock: "sync.Mutex.Lock"); who comes later goes on at once.
//
// A function that leaves by an exception has been called all the same: nobody calls it again.
// Calling from inside the function is a deadlock, as in Go.
#pragma once

#include <concepts>
#include <functional>
#include <mutex>
#include <utility>

#include "scheduler/sync/mutex.h"

namespace weft {

class once {
 public:
  once() = default;
  once(const once&) = delete;
  once& operator=(const once&) = delete;

  // Calls f() if nobody has done so on this once. On a G only. Costs one load when it has been
  // done.
  template <std::invocable F>
  void call(F&& f) {
    if (done_) [[likely]]
      return;
    std::lock_guard lock(mutex_);
    if (done_) return;
    struct Done {
      bool& done;
      ~Done() { done = true; }
    } done{done_};
    std::invoke(std::forward<F>(f));
  }

  [[nodiscard]] bool done() const { return done_; }

 private:
  bool done_ = false;
  mutex mutex_;
};

}  // namespace weft
