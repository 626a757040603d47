// SPDX-License-Identifier: Apache-2.0
// SearchProgress: how far a search of `weft test` is, on stderr, and whether its time is over.
//
//   a terminal      [########        ] 412 of 1000 schedules, 57 a second      ten times a second
//   anything else   weft: test: 412 of 1000 schedules, 57 a second             once a minute
//
// After that, in the same place, how far a failing schedule has been made smaller:
//   a failing schedule is made smaller: 31 deviations, 57 of at most 400 runs
//
// A search on many machines adds its workers, failures, and the time that is left.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "base/instant.h"

namespace weft::tools {

class SearchProgress {
 public:
  // `schedules`: how many there are at most. `limit`: of real time; 0: none.
  SearchProgress(std::uint64_t schedules, Duration limit);
  // Clears the line.
  ~SearchProgress();
  SearchProgress(const SearchProgress&) = delete;
  SearchProgress& operator=(const SearchProgress&) = delete;

  // Shows it when it is time to, and behind it more, if there is more. Call it as often as you
  // like.
  void show(std::uint64_t done, const std::function<std::string()>& more = {});
  void show_minimising(std::uint64_t runs, std::uint64_t runs_max, std::size_t deviations);
  [[nodiscard]] bool time_is_over() const;

 private:
  using Clock = std::chrono::steady_clock;

  bool is_due(Clock::time_point now);
  void put(std::uint64_t done, std::uint64_t of, const std::string& words);

  const std::uint64_t schedules_;
  const Duration limit_;
  const bool is_terminal_;
  const Clock::time_point begun_ = Clock::now();
  Clock::time_point next_;
  bool shown_ = false;
};

}  // namespace weft::tools
