// SPDX-License-Identifier: Apache-2.0
// Guests: what loads modules and runs them.
#pragma once

#include <version>
#if defined(_LIBCPP_VERSION)
#error "weft is built with libstdc++, as Debian's libwabt is: compile without -stdlib=libc++"
#endif

#include "guest/engines.h"
#include "guest/runtime.h"
#include "os/wasip1/device.h"
#include "signals/tick.h"
