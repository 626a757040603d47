// SPDX-License-Identifier: Apache-2.0
#include <time.h>
#include <unistd.h>
#include <wasi/api.h>

#include <algorithm>
#include <vector>

#include "os/wasm/target.h"

namespace weft::target {
namespace {

constexpr __wasi_userdata_t kDeadline = ~__wasi_userdata_t{0};

__wasi_subscription_t subscription_of(const Ask& ask, std::size_t index) {
  __wasi_subscription_t in{};
  in.userdata = index;
  in.u.tag = ask.write ? __WASI_EVENTTYPE_FD_WRITE : __WASI_EVENTTYPE_FD_READ;
  // The two have one layout.
  in.u.u.fd_read.file_descriptor = static_cast<__wasi_fd_t>(ask.fd);
  return in;
}

void mark(std::span<Ask> asks, const __wasi_event_t& event) {
  if (event.userdata == kDeadline) return;
  Ask& ask = asks[static_cast<std::size_t>(event.userdata)];
  ask.ready = true;
  ask.hangup =
      event.error != 0 || (event.fd_readwrite.flags & __WASI_EVENTRWFLAGS_FD_READWRITE_HANGUP) != 0;
}

}  // namespace

void wait(std::span<Ask> asks, std::int64_t timeout_ns) {
  std::vector<__wasi_subscription_t> in;
  in.reserve(asks.size() + 1);
  for (std::size_t i = 0; i < asks.size(); ++i) {
    // Not every host says so in an event.
    __wasi_fdstat_t stat{};
    asks[i].bad =
        __wasi_fd_fdstat_get(static_cast<__wasi_fd_t>(asks[i].fd), &stat) == __WASI_ERRNO_BADF;
    asks[i].ready = asks[i].bad;
    in.push_back(subscription_of(asks[i], i));
  }
  if (std::any_of(asks.begin(), asks.end(), [](const Ask& ask) { return ask.bad; })) return;
  if (timeout_ns >= 0 || in.empty()) {
    __wasi_subscription_t clock{};
    clock.userdata = kDeadline;
    clock.u.tag = __WASI_EVENTTYPE_CLOCK;
    clock.u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
    // For ever, in a wait for nothing: an hour, and the caller waits again.
    constexpr std::int64_t kHourNs = 3'600'000'000'000;
    clock.u.u.clock.timeout =
        static_cast<__wasi_timestamp_t>(timeout_ns < 0 ? kHourNs : timeout_ns);
    in.push_back(clock);
  }
  std::vector<__wasi_event_t> out(in.size());
  __wasi_size_t count = 0;
  if (__wasi_poll_oneoff(in.data(), out.data(), in.size(), &count) != 0) {
    // A host that refuses the whole call: what is asked for counts as ready, and the call that
    // follows tells the truth.
    for (Ask& ask : asks) ask.ready = true;
    return;
  }
  for (std::size_t i = 0; i < count; ++i) mark(asks, out[i]);
}

bool random(std::span<std::byte> buffer) {
  constexpr std::size_t kMost = 256;  // Of getentropy().
  for (std::size_t at = 0; at < buffer.size(); at += kMost) {
    if (::getentropy(buffer.data() + at, std::min(kMost, buffer.size() - at)) != 0) return false;
  }
  return true;
}

std::int64_t monotonic_ns() {
  __wasi_timestamp_t ns = 0;
  (void)__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &ns);
  return static_cast<std::int64_t>(ns);
}

std::int64_t realtime_ns() {
  __wasi_timestamp_t ns = 0;
  (void)__wasi_clock_time_get(__WASI_CLOCKID_REALTIME, 1, &ns);
  return static_cast<std::int64_t>(ns);
}

std::uint16_t write(std::int32_t fd, std::span<const std::byte> bytes, std::size_t& written) {
  const __wasi_ciovec_t vec{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  __wasi_size_t count = 0;
  const __wasi_errno_t e = __wasi_fd_write(static_cast<__wasi_fd_t>(fd), &vec, 1, &count);
  written = count;
  return e;
}

}  // namespace weft::target
