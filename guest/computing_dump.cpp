// SPDX-License-Identifier: Apache-2.0
#include "guest/computing_dump.h"

#include <algorithm>

#include "base/printable.h"
#include "guest/runtime.h"

namespace weft {

std::string dump_computing(const Runtime& runtime, const GoMemorySource& of,
                           ComputingBudget budget) {
  std::string text;
  std::size_t count = 0;
  std::size_t without_lines = 0;
  bool has_read = false;
  for (const auto& guest : runtime.guests()) {
    const auto computing = guest->computing();
    if (!computing || of(*guest).runtime != nullptr) continue;
    if (++count > budget.guests) continue;
    const std::size_t bytes = guest->lines_not_read();
    const bool reads = bytes <= budget.line_bytes || !has_read;
    const auto place = guest->place_of(computing->function, reads);
    if (!place) continue;
    if (!reads) ++without_lines;
    if (reads) budget.line_bytes -= std::min(budget.line_bytes, bytes);
    has_read = has_read || (reads && bytes > 0);
    text += "  guest " + std::to_string(guest->number()) + " (" + printable(guest->name()) +
            "): in " + printable(place->frames.front()) + " " + describe_place(*place) + "\n";
  }
  if (count > budget.guests) {
    text += "  and " + std::to_string(count - budget.guests) + " more\n";
  }
  if (without_lines > 0) {
    text +=
        "  without lines of source, which the next dumps read: " + std::to_string(without_lines) +
        (without_lines == 1 ? " guest\n" : " guests\n");
  }
  return text.empty() ? text : "guests that compute:\n" + text;
}

std::vector<std::string> computing_in_short(const Runtime& runtime, const GoMemorySource& of,
                                            std::size_t max) {
  std::vector<std::string> lines;
  for (const auto& guest : runtime.guests()) {
    const auto computing = guest->computing();
    if (!computing || lines.size() == max) continue;
    const GoMemory go = of(*guest);
    std::string name;
    if (go.runtime != nullptr) name = printable(go.runtime->name(computing->function));
    if (name.empty()) {
      const auto place = guest->place_of(computing->function);
      if (place) name = printable(place->frames.front());
    }
    lines.push_back("guest " + std::to_string(guest->number()) + " (" + printable(guest->name()) +
                    ") computes in " + name);
  }
  return lines;
}

}  // namespace weft
