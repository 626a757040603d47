// SPDX-License-Identifier: Apache-2.0
// A world with real time and real signals. Each test runs its scheduler for milliseconds.
#pragma once

#include <doctest/doctest.h>

#include "os/clocks.h"
#include "os/reactor.h"
#include "scheduler/api.h"

namespace weft::test {

struct LiveWorld {
  SystemClock clock;
  Reactor reactor;
  Scheduler scheduler{clock, reactor};

  template <class F>
  G& go(F&& f) {
    auto g = scheduler.spawn(std::forward<F>(f));
    WEFT_CHECK(g.ok(), "a test could not spawn");
    return **g;
  }
};

}  // namespace weft::test
