// SPDX-License-Identifier: Apache-2.0
// The guests of a running weft as a table, for weft ps and weft top.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace weft::tools {

// A row of the answer to {"request": "guests"}.
struct GuestRow {
  std::uint64_t number = 0;
  std::string name;
  std::string engine;
  std::string state;
  bool alive = false;
  std::uint64_t waiting_ns = 0;  // 0: it does not wait.
  std::uint64_t on_cpu_ns = 0;
  std::uint64_t switches = 0;
  std::uint64_t wait_p50_ns = 0;
  std::uint64_t wait_p99_ns = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t descriptors = 0;
  // Of a Go guest, without those of Go's runtime; 0: none are known.
  std::uint64_t goroutines_ready = 0;    // The one that runs, and those that wait for their turn.
  std::uint64_t goroutines_waiting = 0;  // Blocked.
  bool goroutines_whole = true;          // False: there are more, which were not counted.
};

struct GuestSample {
  std::uint64_t now_ns = 0;
  std::uint64_t since_start_ns = 0;
  std::uint64_t switches = 0;
  std::uint64_t runnable = 0;
  std::vector<GuestRow> guests;
};

Result<GuestSample> read_sample(const boost::json::object& answer);

// A line for each guest, below a heading: who it is, what it does, and for how long.
std::string ps_heading();
std::string ps_lines(std::uint64_t pid, const GuestSample& sample);

// A screen: what happened between two samples. At most so many lines; 0: all. The busiest guests
// come first.
std::string top_screen(std::uint64_t pid, const std::string& program, const GuestSample& before,
                       const GuestSample& now, std::size_t lines);

}  // namespace weft::tools
