// SPDX-License-Identifier: Apache-2.0
#include "guest/computing_dump.h"

#include "base/printable.h"
#include "guest/runtime.h"

namespace weft {

std::string dump_computing(const Runtime& runtime, const GoMemorySource& of, std::size_t max) {
  std::string text;
  std::size_t count = 0;
  for (const auto& guest : runtime.guests()) {
    const auto computing = guest->computing();
    if (!computing || of(*guest).runtime != nullptr) continue;
    if (++count > max) continue;
    const auto place = guest->place_of(computing->function);
    if (!place) continue;
    text += "  guest " + std::to_string(guest->number()) + " (" + printable(guest->name()) +
            "): in " + printable(place->frames.front()) + " " + describe_place(*place) + "\n";
  }
  if (count > max) text += "  and " + std::to_string(count - max) + " more\n";
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
