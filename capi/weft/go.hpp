// SPDX-License-Identifier: Apache-2.0
// Native Gs: green threads that run C++, and what they wait on.
#pragma once

#include "os/clocks.h"
#include "os/reactor.h"
#include "os/turns.h"
#include "scheduler/api.h"
#include "scheduler/local.h"
#include "scheduler/report.h"
#include "scheduler/sync/chan.h"
#include "scheduler/sync/cond.h"
#include "scheduler/sync/context.h"
#include "scheduler/sync/mutex.h"
#include "scheduler/sync/once.h"
#include "scheduler/sync/panic.h"
#include "scheduler/sync/program.h"
#include "scheduler/sync/rw_mutex.h"
#include "scheduler/sync/select.h"
#include "scheduler/sync/single_flight.h"
#include "scheduler/sync/task.h"
#include "scheduler/sync/ticker.h"
#include "scheduler/sync/wait_group.h"
#include "scheduler/sync/weighted_semaphore.h"
