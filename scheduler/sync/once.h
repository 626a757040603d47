// SPDX-License-Identifier: Apache-2.0
// once: calls a function the first time only, as Go's Once. A G that comes while it runs waits
// until it has ended (as for a lock: "sync.Mutex.Lock"); a G that comes later goes on at once.
//
// A function that leaves by an exception counts as called: it is not called again.
// Calling from inside the function is a deadlock, as in Go.
//
// From: a G.
#pragma once

#include <concepts>
#include <functional>
#include <mutex>
#include <utility>

#include "scheduler/sync/mutex.h"

namespace weft {

// Calls a function once.
class once {
 public:
  once() = default;
  once(const once&) = delete;
  once& operator=(const once&) = delete;

  // Calls f() if no call was made on this once before. On a G only. Costs one load when one was.
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

  // Whether the function was called, and has ended.
  [[nodiscard]] bool done() const { return done_; }

 private:
  bool done_ = false;
  mutex mutex_;
};

}  // namespace weft
