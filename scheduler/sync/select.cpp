// SPDX-License-Identifier: Apache-2.0
#include "scheduler/sync/select.h"

#include <algorithm>

namespace weft {

void SelectWait::unlink_all() {
  for (std::size_t i = 0; i < count; ++i) cases[i]->unlink();
}

// One draw decides among the ready cases, so that all are equally likely and a Chooser sees one
// decision; a single one costs no draw.
std::size_t choose_ready(std::span<SelectCase* const> cases) {
  const auto ready = static_cast<std::uint32_t>(
      std::count_if(cases.begin(), cases.end(), [](const SelectCase* c) { return c->is_ready(); }));
  if (ready == 0) return kNoCase;
  std::uint32_t skip = ready == 1 ? 0 : this_scheduler().one_of(ready);
  for (std::size_t i = 0;; ++i) {
    if (cases[i]->is_ready() && skip-- == 0) return i;
  }
}

}  // namespace weft
