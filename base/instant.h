// SPDX-License-Identifier: Apache-2.0
// Instant and Duration: points and spans on the monotonic clock, in nanoseconds.
//
// Plain 64-bit integers inside, as in Go: 292 years of range, arithmetic that saturates instead of
// wrapping, so that "now + a very long time" is far_future() and not the past.
//
// From: any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace weft {

// A span of time, which may be negative.
struct Duration {
  std::int64_t ns = 0;  // Nanoseconds.
  // By length.
  constexpr auto operator<=>(const Duration&) const = default;
};

// So many of that unit. What is beyond 292 years overflows.
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

// A point in time.
struct Instant {
  std::int64_t ns = 0;  // Since an arbitrary origin: only differences mean anything.
  // Earlier is less.
  constexpr auto operator<=>(const Instant&) const = default;

  // Later, and earlier, than every other: a deadline that never comes, one that has passed.
  static constexpr Instant far_future() { return {std::numeric_limits<std::int64_t>::max()}; }
  static constexpr Instant far_past() { return {std::numeric_limits<std::int64_t>::min()}; }
};

// Saturates at far_future() and far_past().
constexpr Instant operator+(Instant t, Duration d) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(t.ns, d.ns, &sum)) {
    return d.ns > 0 ? Instant::far_future() : Instant::far_past();
  }
  return {sum};
}

// How much later a is than b. Saturates.
constexpr Duration operator-(Instant a, Instant b) {
  std::int64_t difference = 0;
  if (__builtin_sub_overflow(a.ns, b.ns, &difference)) {
    return {a.ns > b.ns ? std::numeric_limits<std::int64_t>::max()
                        : std::numeric_limits<std::int64_t>::min()};
  }
  return {difference};
}

}  // namespace weft
