// SPDX-License-Identifier: Apache-2.0
// Which instructions may trap, other than by what they call. Vector instructions are left out.
#pragma once

#include <cstdint>

namespace weft {

// `prefixed` is what follows the byte 0xfc.
constexpr bool may_trap(std::uint8_t opcode, std::uint32_t prefixed) {
  if (opcode == 0xfc) {  // memory.init, copy and fill, table.init, copy and fill
    return prefixed == 8 || (prefixed >= 10 && prefixed <= 12) || prefixed == 14 || prefixed == 17;
  }
  return opcode == 0x00 || opcode == 0x11 ||    // unreachable, call_indirect
         opcode == 0x25 || opcode == 0x26 ||    // table.get, table.set
         (opcode >= 0x28 && opcode <= 0x3e) ||  // Loads and stores.
         (opcode >= 0x6d && opcode <= 0x70) ||  // i32.div, i32.rem
         (opcode >= 0x7f && opcode <= 0x82) ||  // i64.div, i64.rem
         (opcode >= 0xa8 && opcode <= 0xab) ||  // i32.trunc
         (opcode >= 0xae && opcode <= 0xb1);    // i64.trunc
}

}  // namespace weft
