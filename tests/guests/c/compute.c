// SPDX-License-Identifier: Apache-2.0
// Computes until it is stopped, never gives way by itself, and counts on stdout.
#include <stdio.h>

int main(void) {
  unsigned value = 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (unsigned step = 1;; step++) {
    value = value * 1664525u + 1013904223u;
    if (step % 100000 == 0) printf("hundred thousands %u %u\n", step / 100000, value);
  }
}
