// SPDX-License-Identifier: Apache-2.0
#include "tools/heard_searches.h"

namespace weft::tools {

void HeardSearches::hear(const std::string& id, const SearchNews& news, Time now) {
  if (over_.contains(id)) return;
  if (news.over) {
    known_.erase(id);
    over_.insert(id);
    return;
  }
  known_[id] = {news.last_needed, now};
}

void HeardSearches::wait(Time now) {
  for (auto& [id, search] : known_) search.heard = now;
}

void HeardSearches::forget_silent(Time now) {
  std::erase_if(known_, [&](const auto& one) { return now - one.second.heard > patience_; });
}

HeardSearches::Need HeardSearches::need_of(const TakenPart& part) const {
  if (over_.contains(part.search)) return Need::none;
  const auto search = known_.find(part.search);
  if (search == known_.end()) return Need::unknown;
  return part.part <= search->second.last_needed ? Need::yes : Need::none;
}

std::string HeardSearches::after(const std::string& id) const {
  auto next = known_.upper_bound(id);
  if (next == known_.end()) next = known_.begin();
  return next == known_.end() ? "" : next->first;
}

}  // namespace weft::tools
