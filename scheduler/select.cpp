#include "scheduler/select.h"

namespace weft {

void SelectWait::unlink_all() {
  for (std::size_t i = 0; i < count; ++i) cases[i]->unlink();
}

// Each of the ready cases replaces the one held so far with odds of one in as many as were seen:
// all are equally likely in the end, and a single one costs no draw.
std::size_t choose_ready(std::span<SelectCase* const> cases) {
  std::size_t chosen = kNoCase;
  std::uint32_t ready = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (!cases[i]->is_ready()) continue;
    ++ready;
    if (ready == 1 || this_scheduler().random().below(ready) == 0) chosen = i;
  }
  return chosen;
}

}  // namespace weft
