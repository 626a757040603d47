// SPDX-License-Identifier: Apache-2.0
// Computing: where a guest was at its last safe point, when others got the thread there. A guest
// that waits in a call of the host does not compute.
#pragma once

#include <cstdint>

namespace weft {

struct Computing {
  std::uint32_t function = 0;  // Its index in the module.
  std::uint32_t sp = 0;        // Of a Go guest: its stack pointer (guest/go/entries.h).
};

}  // namespace weft
