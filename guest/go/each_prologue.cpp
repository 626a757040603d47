// SPDX-License-Identifier: Apache-2.0
#include "guest/go/each_prologue.h"

namespace weft::guest::go {
namespace {

std::uint32_t each = 0;

}  // namespace

void give_way_at_each(std::uint32_t prologues) {
  each = prologues;
}

std::uint32_t prologues_to_give_way() {
  return each;
}

}  // namespace weft::guest::go
