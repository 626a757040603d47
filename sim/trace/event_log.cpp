// SPDX-License-Identifier: Apache-2.0
#include "sim/trace/event_log.h"

#include <algorithm>
#include <cstdio>

namespace weft::sim {

void EventLog::fold(const Event& event) {
  hash_.add(static_cast<std::uint64_t>(event.at.ns));
  hash_.add(event.g);
  hash_.add(static_cast<std::uint64_t>(event.kind) | static_cast<std::uint64_t>(event.from) << 8 |
            static_cast<std::uint64_t>(event.to) << 16);
  hash_.add(event.what);
  hash_.add(event.value);
  hash_.add(event.detail);
}

std::string describe(const Event& event) {
  char head[64];
  std::snprintf(head, sizeof head, "%.6f ms  G%llu  ", static_cast<double>(event.at.ns) / 1e6,
                static_cast<unsigned long long>(event.g));
  std::string text = head;
  switch (event.kind) {
    case Event::Kind::state:
      text.append(name(event.from)).append(" -> ").append(name(event.to));
      if (event.to == GState::waiting) text.append(" (").append(event.what).append(")");
      break;
    case Event::Kind::call:
      text.append("calls ").append(event.what);
      break;
    case Event::Kind::returned:
      text.append(event.what).append(" gives errno ").append(std::to_string(event.value));
      break;
    case Event::Kind::output:
      text.append("writes to descriptor ").append(std::to_string(event.detail));
      break;
    case Event::Kind::decision:
      text.append("decision ").append(event.what).append(" ").append(std::to_string(event.detail));
      text.append(" of ").append(std::to_string(event.value));
      break;
    case Event::Kind::world:
      text.append("world: ").append(event.what);
      break;
    case Event::Kind::timer:
    case Event::Kind::fuel:
    case Event::Kind::loop:
    case Event::Kind::m:
      text.append(event.what).append(" ").append(std::to_string(event.value));
      break;
  }
  return text;
}

std::size_t first_difference(const std::vector<Event>& a, const std::vector<Event>& b) {
  const std::size_t common = std::min(a.size(), b.size());
  std::size_t i = 0;
  while (i < common && a[i] == b[i]) ++i;
  return i;
}

}  // namespace weft::sim
