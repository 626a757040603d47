// SPDX-License-Identifier: Apache-2.0
#include "control/guest_metrics.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace weft::control {

std::string labels_of(const Guest& guest) {
  return label("guest", std::to_string(guest.number())) + "," + label("name", guest.name());
}

// A family has its samples together, so all guests are counted first.
void add_goroutines(MetricsText& text, const Runtime& runtime, GoroutineBudget budget,
                    const GoMemorySource& of) {
  std::vector<std::pair<const Guest*, guest::go::GoroutineCounts>> counted;
  for (const auto& guest : runtime.guests()) {
    const auto counts = goroutine_counts_of(*guest, budget, of);
    if (counts.all() > 0 || !counts.is_whole) counted.emplace_back(guest.get(), counts);
  }
  text.family("weft_guest_goroutines", "gauge", "",
              "Goroutines of a Go guest, by state; of the first 100,000 of all guests.");
  for (const auto& [guest, counts] : counted) {
    for (const auto& [state, count] :
         {std::pair{"running", counts.running}, std::pair{"runnable", counts.runnable},
          std::pair{"waiting", counts.waiting}}) {
      text.sample("", labels_of(*guest) + "," + label("state", state), std::uint64_t{count});
    }
  }
  text.family("weft_guest_goroutines_whole", "gauge", "",
              "1: weft_guest_goroutines counts all of the guest. 0: the guest has more.");
  for (const auto& [guest, counts] : counted) {
    text.sample("", labels_of(*guest), std::uint64_t{counts.is_whole ? 1U : 0U});
  }
}

}  // namespace weft::control
