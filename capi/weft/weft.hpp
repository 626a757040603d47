// SPDX-License-Identifier: Apache-2.0
// weft from C++: all of it. In the order in which to read:
//
//   weft/runtime.hpp   guests: Runtime, load, spawn, limits, engines
//   weft/go.hpp        native Gs: go, chan, select, mutex, context, task
//
// C programs include weft.h.
#pragma once

#include <weft/go.hpp>
#include <weft/runtime.hpp>
