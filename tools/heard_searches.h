// SPDX-License-Identifier: Apache-2.0
// HeardSearches: what a worker has heard of the searches that go on.
//
//   (never heard) ── news ─▶ known ── over ─────────────────▶ over, for ever
//                              ▲└──── no news for so long ──▶ silent
//                              └───────────── news ────────────┘
//
// A part of a silent search is not known to be of no use: its master may be slow, or stopped for a
// while. So only what was heard may take a part out of the queue:
//
// 1. Need::none is said only after `over`, or after news whose last_needed is below the part.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "tools/part_queue.h"

namespace weft::tools {

class HeardSearches {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // patience: for how long a search is known after its last news.
  explicit HeardSearches(std::chrono::nanoseconds patience) : patience_(patience) {}

  void hear(const std::string& id, const SearchNews& news, Time now);
  // Nobody can be heard: this time does not count.
  void wait(Time now);
  // Forgets those of which nothing was heard for so long. After hear().
  void forget_silent(Time now);
  // Until it is heard again.
  void forget(const std::string& id) { known_.erase(id); }

  enum class Need : std::uint8_t { yes, none, unknown };
  [[nodiscard]] Need need_of(const TakenPart& part) const;
  [[nodiscard]] bool knows(const std::string& id) const { return known_.contains(id); }
  // The known one that comes after it, in a ring; empty: none is known.
  [[nodiscard]] std::string after(const std::string& id) const;

 private:
  struct Search {
    std::uint64_t last_needed = 0;
    Time heard;
  };
  const std::chrono::nanoseconds patience_;
  std::map<std::string, Search> known_;
  std::set<std::string> over_;
};

}  // namespace weft::tools
