// SPDX-License-Identifier: Apache-2.0
#include "guest/engine.h"

#include <cinttypes>
#include <cstdio>

namespace weft {

std::string describe_place(const TrapReport& trap) {
  if (trap.offset == 0) return {};
  char text[32];
  std::snprintf(text, sizeof text, "at offset %#" PRIx32, trap.offset);
  return trap.source.empty() ? text : text + (" (" + trap.source + ")");
}

}  // namespace weft
