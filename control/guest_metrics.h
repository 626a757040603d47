// SPDX-License-Identifier: Apache-2.0
// What OpenMetrics text tells of guests beside what is measured of each: the labels that name them,
// and their goroutines.
#pragma once

#include <string>

#include "control/metrics.h"
#include "guest/goroutine_dump.h"
#include "guest/runtime.h"

namespace weft::control {

// guest="3",name="shop.wasm"
std::string labels_of(const Guest& guest);

// The families weft_guest_goroutines and weft_guest_goroutines_whole, of Go guests. The budget is
// that of all guests together: where it does not suffice, the second family has a 0.
void add_goroutines(MetricsText& text, const Runtime& runtime, GoroutineBudget budget = {},
                    const GoMemorySource& of = go_memory_of);

}  // namespace weft::control
