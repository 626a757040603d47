// SPDX-License-Identifier: Apache-2.0
// Why a G is parked. Every park names a reason. Reasons are unique, and are Go's strings where Go
// has one: a reader of Go's dumps understands a dump of parked Gs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft {

enum class WaitReason : std::uint8_t {
  none,
  io_wait,           // An fd, through the reactor.
  chan_receive_nil,  // A channel that is nil: for ever.
  chan_send_nil,
  chan_receive,
  chan_send,
  select,
  select_no_cases,
  sleep,  // sleep_for, sleep_until, usleep.
  semacquire,
  sync_cond_wait,
  sync_mutex_lock,
  sync_rw_mutex_rlock,
  sync_rw_mutex_lock,
  sync_wait_group_wait,
  preempted,    // A runnable G that was made to yield; Go's _Gpreempted.
  join,         // Waits for another G to end. weft's own.
  poll_oneoff,  // A guest in poll_oneoff: any of several fds, or a deadline. weft's own.
  outside,      // Another thread or a signal handler: park_for_outside. weft's own.
};

inline constexpr const char* kWaitReasonNames[] = {
    "",
    "IO wait",
    "chan receive (nil chan)",
    "chan send (nil chan)",
    "chan receive",
    "chan send",
    "select",
    "select (no cases)",
    "sleep",
    "semacquire",
    "sync.Cond.Wait",
    "sync.Mutex.Lock",
    "sync.RWMutex.RLock",
    "sync.RWMutex.Lock",
    "sync.WaitGroup.Wait",
    "preempted",
    "join",
    "poll_oneoff",
    "outside",
};
static_assert(sizeof(kWaitReasonNames) / sizeof(*kWaitReasonNames) ==
                  static_cast<std::size_t>(WaitReason::outside) + 1,
              "each wait reason has its string, in the same order");

constexpr const char* name(WaitReason reason) {
  return kWaitReasonNames[static_cast<std::size_t>(reason)];
}

}  // namespace weft
