// SPDX-License-Identifier: Apache-2.0
// SearchBooks: what the master of a search on many machines knows of its parts.
//
//   a worker's verdict ─▶ enter ─▶ counted, once for each part ─▶ whole ─▶ Verdict
//                            └──▶ twice: the part had been given to two workers; left out
//
// 1. A part is counted once, whatever arrives and in which order.
// 2. The search is complete when all parts up to the first that fails are counted, as one process
//    would have come to that failure; with keep_going, when all are.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"
#include "tools/verdict.h"

namespace weft::tools {

class SearchBooks {
 public:
  // `search`: what each verdict must be of. `parts`: 1 at least.
  SearchBooks(SearchIdentity search, std::uint64_t parts)
      : search_(std::move(search)), parts_(parts) {}

  enum class Entry : std::uint8_t { counted, twice };

  // The error says why it is not a verdict of that part of this search.
  Result<Entry> enter(std::uint64_t part, Verdict verdict);

  void note_twice() { ++twice_; }  // Of a part that is counted already.

  [[nodiscard]] bool has(std::uint64_t part) const { return counted_.contains(part); }
  // No part behind this one is needed any more.
  [[nodiscard]] std::uint64_t last_needed() const;
  [[nodiscard]] bool is_complete() const;
  [[nodiscard]] std::uint64_t parts() const { return parts_; }
  [[nodiscard]] std::uint64_t parts_counted() const { return counted_.size(); }
  [[nodiscard]] std::uint64_t schedules() const { return schedules_; }
  [[nodiscard]] std::uint64_t failures() const { return failures_; }  // Seeds that fail.
  [[nodiscard]] std::uint64_t twice() const { return twice_; }

  // The verdict of all that is counted; what is missing ended early. Once, with a part at least.
  Result<Verdict> whole();

 private:
  const SearchIdentity search_;
  const std::uint64_t parts_;
  std::map<std::uint64_t, Verdict> counted_;
  std::uint64_t first_failing_ = 0;  // Of the parts; 0: none.
  std::uint64_t schedules_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t twice_ = 0;
};

}  // namespace weft::tools
