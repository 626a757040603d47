// SPDX-License-Identifier: Apache-2.0
// The functions of Go's os_wasip1.go that are more than a host call: each makes one of the calls in
// os/port/imports.h, with the arguments that Go's makes it with, and throws Go's text when the host
// answers an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "os/port/types.h"

namespace weft::port {

// Writes with one iovec. Returns how many bytes went out, which may be fewer than n.
// Throw: "fd_write failed".
std::int32_t write1(std::uintptr_t fd, const void* p, std::int32_t n);

// Sleeps by a poll_oneoff with one subscription: the monotonic clock, relative. Emulated, on a G:
// the G is parked. Holding a lock, or without a G: the M sleeps. Strict: the thread does.
// Throw: "wasi_snapshot_preview1.poll_oneoff".
void usleep(std::uint32_t usec);

// Go up to 1.21. Throw: "random_get failed".
void getRandomData(std::span<std::byte> r);
// Go since 1.22. Returns how many bytes are random: all, or 0 when the host has none.
std::int32_t readRandom(std::span<std::byte> r);

// Fills the port's argslice and envs. Throw: "args_sizes_get failed", "args_get failed",
// "environ_sizes_get failed", "environ_get failed".
void goenvs();

// The time of day, and monotonic nanoseconds. Throw: "clock_time_get failed".
WallTime walltime();
WallTime walltime1();
std::int64_t nanotime1();

}  // namespace weft::port
