// SPDX-License-Identifier: Apache-2.0
// Everything of the port in one include: for runtimes in C++ on weft. From C: capi/weft.h.
//
//   Reactor reactor;  SystemClock clock;  Scheduler scheduler(clock, reactor);
//   auto process = wasip1::Process::create(reactor, clock, {.args = {"runtime"}});
//   Port port(scheduler, **process);            // or Port::strict() behind it
//   port::newosproc(&my_thread, &my_state);
//   scheduler.run();
//
// docs/port.md has a line for each name, and a guide.
#pragma once

#include "os/port/failure.h"
#include "os/port/imports.h"
#include "os/port/locks.h"
#include "os/port/on_a_g.h"
#include "os/port/os_wasip1.h"
#include "os/port/os_wasm.h"
#include "os/port/port.h"
#include "os/port/types.h"
