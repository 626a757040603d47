// SPDX-License-Identifier: Apache-2.0
// poll(2) for any number of entries.
//
// poll(2) answers EINVAL for more entries than RLIMIT_NOFILE, even when all name the same
// descriptor. These two functions never do: the first asks in portions, the second waits for each
// descriptor once.
#pragma once

#include <poll.h>

#include <cstdint>
#include <span>

namespace weft {

// Fills revents with the state now. Entries with fd < 0 are skipped. Where the kernel can't tell
// (no memory, a limit of 0) everything counts as ready: the call that follows tells the truth.
void poll_now(std::span<pollfd> entries);

// The same, after waiting until one is ready or for timeout_ns (< 0: for ever): the whole thread
// waits. Signals don't end it.
void poll_until(std::span<pollfd> entries, std::int64_t timeout_ns);

}  // namespace weft
