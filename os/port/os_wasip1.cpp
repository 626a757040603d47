// SPDX-License-Identifier: Apache-2.0
#include "os/port/os_wasip1.h"

#include <algorithm>
#include <string>
#include <vector>

#include "os/port/failure.h"
#include "os/port/imports.h"

namespace weft::port {
namespace {

constexpr timestamp kUsleepPrecision = 1000;  // Nanoseconds: what Go asks for.

// "a\0bc\0" and where each begins, as strings. The addresses count from the buffer.
std::vector<std::string> strings_of(const std::vector<uintptr32>& at,
                                    const std::vector<std::byte>& buffer) {
  std::vector<std::string> strings;
  strings.reserve(at.size());
  for (const uintptr32 begin : at) {
    strings.emplace_back(reinterpret_cast<const char*>(buffer.data()) + begin);
  }
  return strings;
}

}  // namespace

std::int32_t write1(std::uintptr_t fd, const void* p, std::int32_t n) {
  size nwritten = 0;
  const std::span bytes(static_cast<const std::byte*>(p), static_cast<std::size_t>(std::max(n, 0)));
  if (fd_write_from(static_cast<std::int32_t>(fd), bytes, nwritten) != 0) {
    throw_("fd_write failed");
  }
  return static_cast<std::int32_t>(nwritten);
}

void usleep(std::uint32_t usec) {
  Port& port = this_port();
  const bool bound = place(port) == Place::thread ||
                     (place(port) == Place::g && port.scheduler().current_m().locks != 0);
  if (bound && !port.is_strict()) return sleep_with_g(port, "usleep_no_g", usec);
  subscription in{};
  event out{};
  size nevents = 0;
  *in.u.eventtype() = eventtypeClock;
  *in.u.subscriptionClock() = {.id = clockMonotonic,
                               .timeout = timestamp{usec} * 1000,
                               .precision = kUsleepPrecision,
                               .flags = 0};
  if (poll_oneoff(&in, &out, 1, &nevents) != 0) throw_("wasi_snapshot_preview1.poll_oneoff");
}

void getRandomData(std::span<std::byte> r) {
  if (random_get(r.data(), static_cast<size>(r.size())) != 0) throw_("random_get failed");
}

std::int32_t readRandom(std::span<std::byte> r) {
  if (random_get(r.data(), static_cast<size>(r.size())) != 0) return 0;
  return static_cast<std::int32_t>(r.size());
}

void goenvs() {
  Port& port = this_port();
  size count = 0;
  size bytes = 0;
  if (args_sizes_get(&count, &bytes) != 0) throw_("args_sizes_get failed");
  std::vector<uintptr32> at(count);
  std::vector<std::byte> buffer(bytes + 1);  // One more: no empty buffer has an address.
  Window window{buffer.data(), buffer.size()};
  if (args_get_in(window, at.data(), buffer.data()) != 0) throw_("args_get failed");
  port.argslice = strings_of(at, buffer);

  if (environ_sizes_get(&count, &bytes) != 0) throw_("environ_sizes_get failed");
  at.assign(count, 0);
  buffer.assign(bytes + 1, std::byte{0});
  window = {buffer.data(), buffer.size()};
  if (environ_get_in(window, at.data(), buffer.data()) != 0) throw_("environ_get failed");
  port.envs = strings_of(at, buffer);
}

WallTime walltime() {
  return walltime1();
}

WallTime walltime1() {
  timestamp t = 0;
  if (clock_time_get(clockRealtime, 0, &t) != 0) throw_("clock_time_get failed");
  constexpr timestamp kNsPerS = 1'000'000'000;
  return {static_cast<std::int64_t>(t / kNsPerS), static_cast<std::int32_t>(t % kNsPerS)};
}

std::int64_t nanotime1() {
  timestamp t = 0;
  if (clock_time_get(clockMonotonic, 0, &t) != 0) throw_("clock_time_get failed");
  return static_cast<std::int64_t>(t);
}

}  // namespace weft::port
