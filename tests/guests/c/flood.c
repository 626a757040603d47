// SPDX-License-Identifier: Apache-2.0
// Prints 100,000 lines: for readers that stop early, and for pipes that fill up.
#include <stdio.h>

int main(void) {
  for (int i = 0; i < 100000; i++) {
    if (printf("line %d\n", i) < 0) return 3;
  }
  return 0;
}
