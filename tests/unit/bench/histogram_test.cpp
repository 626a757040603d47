// SPDX-License-Identifier: Apache-2.0
#include "bench/histogram.h"

#include <doctest/doctest.h>

using weft::bench::Histogram;

TEST_CASE("small values are kept exactly") {
  Histogram h;
  for (int i = 1; i <= 100; ++i) h.record(i);
  CHECK(h.count() == 100);
  CHECK(h.min() == 1);
  CHECK(h.quantile(0.5) == 50);
  CHECK(h.quantile(0.99) == 99);
  CHECK(h.quantile(1.0) == 100);
  CHECK(h.max() == 100);
}

TEST_CASE("any value is kept within one part in 64, and never understated") {
  for (std::int64_t value = 1; value < std::int64_t{1} << 61; value = value * 3 / 2 + 1) {
    Histogram h;
    h.record(value);
    h.record(std::numeric_limits<std::int64_t>::max());  // max() does not cut the quantile.
    const std::int64_t kept = h.quantile(0.5);
    CHECK(kept >= value);
    CHECK(static_cast<double>(kept) <= static_cast<double>(value) * (1 + 1.0 / 64));
  }
}

TEST_CASE("a quantile is the value that that share is not above") {
  Histogram h;
  for (int i = 0; i < 990; ++i) h.record(10);
  for (int i = 0; i < 10; ++i) h.record(5'000'000'000);
  CHECK(h.quantile(0.99) == 10);
  CHECK(h.quantile(0.991) > 4'900'000'000);
  CHECK(h.quantile(0.999) == h.max());
}

TEST_CASE("nothing recorded, and what should not be recorded") {
  Histogram h;
  CHECK(h.min() == 0);
  CHECK(h.quantile(0.5) == 0);
  CHECK(h.max() == 0);
  h.record(-7);
  CHECK(h.min() == 0);
  CHECK(h.count() == 1);
}
