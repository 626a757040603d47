// SPDX-License-Identifier: Apache-2.0
#include "scheduler/local.h"

namespace weft {

void destroy_locals(G& g) {
  while (GLocalValue* value = g.locals) {
    g.locals = value->next;
    value->destroy(value);
  }
}

}  // namespace weft
