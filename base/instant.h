// SPDX-License-Identifier: Apache-2.0
// Instant and Duration: points and spans on the monotonic clock, in nanoseconds.
//
// Plain 64-bit integers inside, as in Go: 292 years of range, arithmetic that saturates instead of
// wrapping, so that "now + a very long time" is far_future() and not the past.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace weft {

struct Duration {
  std::int64_t ns = 0;
  constexpr auto operator<=>(const Duration&) const = default;
};

constexpr Duration nanoseconds(std::int64_t n) {
  return {n};
}
constexpr Duration microseconds(std::int64_t n) {
  return {n * 1'000};
}
constexpr Duration milliseconds(std::int64_t n) {
  return {n * 1'000'000};
}
constexpr Duration seconds(std::int64_t n) {
  return {n * 1'000'000'000};
}

struct Instant {
  std::int64_t ns = 0;  // Since an arbitrary origin: only differences mean anything.
  constexpr auto operator<=>(const Instant&) const = default;

  static constexpr Instant far_future() { return {std::numeric_limits<std::int64_t>::max()}; }
  static constexpr Instant far_past() { return {std::numeric_limits<std::int64_t>::min()}; }
};

constexpr Instant operator+(Instant t, Duration d) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(t.ns, d.ns, &sum)) {
    return d.ns > 0 ? Instant::far_future() : Instant::far_past();
  }
  return {sum};
}

constexpr Duration operator-(Instant a, Instant b) {
  std::int64_t difference = 0;
  if (__builtin_sub_overflow(a.ns, b.ns, &difference)) {
    return {a.ns > b.ns ? std::numeric_limits<std::int64_t>::max()
                        : std::numeric_limits<std::int64_t>::min()};
  }
  return {difference};
}

}  // namespace weft
