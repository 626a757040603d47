// SPDX-License-Identifier: Apache-2.0
#include <emscripten.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "os/wasm/target.h"

// Where JavaScript may block (node, a worker of a page that is isolated), it does; a tab can't.
// clang-format off
EM_JS(int, weft_block_for, (double milliseconds), {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
    return 1;
  } catch (e) {
    return 0;
  }
})
// clang-format on

namespace weft::target {
namespace {

std::int64_t read_clock(clockid_t id) {
  timespec ts{};
  ::clock_gettime(id, &ts);
  return std::int64_t{ts.tv_sec} * 1'000'000'000 + ts.tv_nsec;
}

}  // namespace

void wait(std::span<Ask> asks, std::int64_t timeout_ns) {
  for (Ask& ask : asks) {
    ask.ready = true;
    ask.bad = ::fcntl(ask.fd, F_GETFD) < 0;
  }
  if (!asks.empty()) return;
  constexpr std::int64_t kHourNs = 3'600'000'000'000;
  const std::int64_t end = monotonic_ns() + (timeout_ns < 0 ? kHourNs : timeout_ns);
  // Twice at most: a wait may end a little before its time.
  for (std::int64_t left = end - monotonic_ns(); left > 0; left = end - monotonic_ns()) {
    (void)weft_block_for(static_cast<double>(left) / 1e6);
  }
}

bool random(std::span<std::byte> buffer) {
  constexpr std::size_t kMost = 256;  // Of getentropy().
  for (std::size_t at = 0; at < buffer.size(); at += kMost) {
    if (::getentropy(buffer.data() + at, std::min(kMost, buffer.size() - at)) != 0) return false;
  }
  return true;
}

std::int64_t monotonic_ns() {
  return read_clock(CLOCK_MONOTONIC);
}

std::int64_t realtime_ns() {
  return read_clock(CLOCK_REALTIME);
}

std::uint16_t write(std::int32_t fd, std::span<const std::byte> bytes, std::size_t& written) {
  const ssize_t count = ::write(fd, bytes.data(), bytes.size());
  if (count < 0) return static_cast<std::uint16_t>(errno);  // Emscripten's are WASI's.
  written = static_cast<std::size_t>(count);
  return 0;
}

}  // namespace weft::target
