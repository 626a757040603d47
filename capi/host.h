// SPDX-License-Identifier: Apache-2.0
// What a scheduler's handle stands on: a clock, a poller, and which OS thread it belongs to. On
// Linux the system's and Asio's; on a wasm target its own, where there is one thread.
#pragma once

#if defined(__wasm__)
#include "os/wasm/poller.h"
#include "os/wasm/process.h"
#else
#include <thread>

#include "os/clocks.h"
#include "os/reactor.h"
#endif

namespace weft::capi {

#if defined(__wasm__)
using HostClock = wasm::TargetClock;
using HostPoller = wasm::TargetPoller;
struct ThreadId {
  bool operator==(const ThreadId&) const = default;
};
inline ThreadId this_thread() {
  return {};
}
#else
using HostClock = SystemClock;
using HostPoller = Reactor;
using ThreadId = std::thread::id;
inline ThreadId this_thread() {
  return std::this_thread::get_id();
}
#endif

}  // namespace weft::capi
