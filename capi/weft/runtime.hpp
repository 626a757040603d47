// SPDX-License-Identifier: Apache-2.0
// Guests: what loads modules and runs them.
#pragma once

#include "guest/engines.h"
#include "guest/runtime.h"
#include "os/wasip1/device.h"
#include "signals/tick.h"
