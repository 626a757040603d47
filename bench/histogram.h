// SPDX-License-Identifier: Apache-2.0
// A histogram of times with a high dynamic range: any value from 1 ns to 292 years is kept with an
// error of at most 1/64, in a fixed 29 KiB and without an allocation.
//
//   value    0 .. 63      one bucket each
//            64 .. 127    the same, 64 buckets          row 0
//            128 .. 255   64 buckets of 2 values        row 1
//            256 .. 511   64 buckets of 4 values        row 2 ...
//
// So a row is the place of the highest bit, and the six bits below it are the bucket in the row, as
// in HdrHistogram (docs/rationale.md says why not that library itself).
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>

namespace weft::bench {

class Histogram {
 public:
  // Negative values count as 0.
  void record(std::int64_t value) {
    const auto v = static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
    ++buckets_[bucket_of(v)];
    ++count_;
    min_ = std::min(min_, v);
    max_ = std::max(max_, v);
  }

  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(count_); }
  // Of the recorded values, exactly. 0 when there are none.
  [[nodiscard]] std::int64_t min() const {
    return count_ > 0 ? static_cast<std::int64_t>(min_) : 0;
  }
  [[nodiscard]] std::int64_t max() const { return static_cast<std::int64_t>(max_); }

  // The quantile: at least this share of the recorded values is not above it. It is the end of its
  // bucket, but never above max(). The share is from 0 to 1. 0 when nothing was recorded.
  [[nodiscard]] std::int64_t quantile(double share) const {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_) + 0.5);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size() && count_ > 0; ++i) {
      seen += buckets_[i];
      if (seen >= std::max<std::uint64_t>(wanted, 1)) {
        return static_cast<std::int64_t>(std::min(end_of(i), max_));
      }
    }
    return max();
  }

 private:
  static constexpr std::uint32_t kBits = 6;
  static constexpr std::uint64_t kPerRow = std::uint64_t{1} << kBits;

  static std::size_t bucket_of(std::uint64_t value) {
    if (value < kPerRow) return value;
    const auto row = static_cast<std::uint32_t>(std::bit_width(value)) - kBits - 1;
    return (row + 1) * kPerRow + ((value >> row) & (kPerRow - 1));
  }

  // The highest value that falls into a bucket.
  static std::uint64_t end_of(std::size_t bucket) {
    if (bucket < kPerRow) return bucket;
    const std::uint64_t row = bucket / kPerRow - 1;
    return ((kPerRow + bucket % kPerRow + 1) << row) - 1;
  }

  static constexpr std::size_t kBuckets = kPerRow * (64 - kBits);
  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t min_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t max_ = 0;
};

// The columns min, p50, p99, p99.9 and max, in ns.
inline void report_distribution(benchmark::State& state, const Histogram& histogram) {
  state.counters["min"] = static_cast<double>(histogram.min());
  state.counters["p50"] = static_cast<double>(histogram.quantile(0.5));
  state.counters["p99"] = static_cast<double>(histogram.quantile(0.99));
  state.counters["p99.9"] = static_cast<double>(histogram.quantile(0.999));
  state.counters["max"] = static_cast<double>(histogram.max());
}

}  // namespace weft::bench
