// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstdlib>

#include "scheduler/pages.h"

namespace weft::pages {

// The memory of a wasm module has no pages that could differ: this is what lies between two stacks.
std::size_t bytes() {
  return 4096;
}

void* take(std::size_t bytes) {
  void* const memory = std::aligned_alloc(4096, bytes);
  if (memory == nullptr) errno = ENOMEM;
  return memory;
}

void give_back(void* memory, std::size_t) noexcept {
  std::free(memory);
}

void forget(void*, std::size_t) noexcept {}

void never_huge(void*, std::size_t) noexcept {}

bool has_light_guards() {
  return false;
}

bool guard_lightly(void*) noexcept {
  return false;
}

bool guard_heavily(void*) noexcept {
  return false;
}

std::size_t heavy_guards_max() {
  return 0;
}

}  // namespace weft::pages
