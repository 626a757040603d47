#include "scheduler/local.h"

namespace weft {

void destroy_locals(G& g) {
  while (GLocalValue* value = g.locals) {
    g.locals = value->next;
    value->destroy(value);
  }
}

}  // namespace weft
