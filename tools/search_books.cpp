// SPDX-License-Identifier: Apache-2.0
#include "tools/search_books.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace weft::tools {

Result<SearchBooks::Entry> SearchBooks::enter(std::uint64_t part, Verdict verdict) {
  if (const std::string wrong = wrong_with_part(verdict); !wrong.empty()) return Error{wrong};
  if (const std::string other = difference(search_, verdict.search); !other.empty()) {
    return Error{"it is of another search: " + other};
  }
  if (verdict.part->of != parts_ || verdict.part->index != part) {
    return Error{"it is of part " + std::to_string(verdict.part->index) + " of " +
                 std::to_string(verdict.part->of) + ", not " + std::to_string(part) + " of " +
                 std::to_string(parts_)};
  }
  if (verdict.ended_early) return Error{"it ended early"};
  if (has(part)) {
    note_twice();
    return Entry::twice;
  }
  schedules_ += verdict.runs.size();
  failures_ += static_cast<std::uint64_t>(
      std::count_if(verdict.runs.begin(), verdict.runs.end(),
                    [](const SeedRun& run) { return run.ending != sim::Ending::passed; }));
  if (verdict.failure && (first_failing_ == 0 || part < first_failing_)) first_failing_ = part;
  counted_.emplace(part, std::move(verdict));
  return Entry::counted;
}

std::uint64_t SearchBooks::last_needed() const {
  return first_failing_ == 0 || search_.keep_going ? parts_ : first_failing_;
}

bool SearchBooks::is_complete() const {
  const auto end = counted_.upper_bound(last_needed());
  return static_cast<std::uint64_t>(std::distance(counted_.begin(), end)) == last_needed();
}

Result<Verdict> SearchBooks::whole() {
  const Missing missing = is_complete() ? Missing::behind_failure : Missing::any;
  std::vector<NamedVerdict> parts;
  parts.reserve(counted_.size());
  for (auto& [part, verdict] : counted_) {
    parts.push_back({"part " + std::to_string(part), std::move(verdict)});
  }
  counted_.clear();
  return merge(std::move(parts), missing);
}

}  // namespace weft::tools
