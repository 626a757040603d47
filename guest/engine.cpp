#include "guest/engine.h"

#include <cinttypes>
#include <cstdio>

#include "base/printable.h"

namespace weft {

std::string describe(const TrapReport& trap) {
  std::string text = name(trap.kind);
  if (!trap.detail.empty() && trap.detail != text) text += " (" + printable(trap.detail) + ")";
  if (trap.offset != 0) {
    char offset[32];
    std::snprintf(offset, sizeof offset, " at offset %#" PRIx32, trap.offset);
    text += offset;
  }
  if (!trap.source.empty()) text += " (" + printable(trap.source) + ")";
  return text;
}

}  // namespace weft
