// SPDX-License-Identifier: Apache-2.0
// Grows its memory until the host refuses, then says so and ends well: a refusal is no trap.
#include <stdio.h>

int main(void) {
  enum { kPagesAtOnce = 1024 };
  unsigned grown = 0;
  while (__builtin_wasm_memory_grow(0, kPagesAtOnce) != (unsigned long)-1) grown += kPagesAtOnce;
  printf("memory refused after %s\n", grown <= 65536 ? "at most 65536 pages" : "too many pages");
  return 0;
}
