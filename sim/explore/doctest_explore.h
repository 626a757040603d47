// SPDX-License-Identifier: Apache-2.0
// WEFT_EXPLORE: a doctest assertion that a native program passes under many schedules.
//
//   TEST_CASE("no update is lost") {
//     weft::sim::ExploreOptions options;
//     options.settings.policy.name = "pct";
//     WEFT_EXPLORE(options, [] { ... weft::sim::check(number == 2); });
//   }
//
// Include doctest before this. A failure shows the seed and the minimised schedule.
#pragma once

#include "sim/explore/explore.h"

#define WEFT_EXPLORE(options, ...)                                                     \
  do {                                                                                 \
    const auto weft_explored = weft::sim::explore(std::function<void()>(__VA_ARGS__),  \
                                                  weft::sim::ExploreOptions(options)); \
    if (weft_explored.failure) FAIL_CHECK(weft_explored.text());                       \
    CHECK(!weft_explored.failure);                                                     \
  } while (false)
