// SPDX-License-Identifier: Apache-2.0
// on_a_g: for calls that park the G they run on, made by a thread that has none.
//
//   a G       f() runs right here
//   a thread  a new G runs f(); the thread sleeps on a note until that G is done
#pragma once

#include <functional>

#include "os/port/port.h"

namespace weft::port {

// Runs f, which may park. What f throws is thrown here, Killed excepted, which ends that G alone.
// Requires a place that is not outside.
void on_a_g(Port& port, const std::function<void()>& f);

}  // namespace weft::port
