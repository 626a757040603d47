// SPDX-License-Identifier: Apache-2.0
// Schedules of native Gs under test: one function, run under many of them. Not part of weft.hpp.
#pragma once

#include <weft/go.hpp>

#include "sim/explore/explore.h"
