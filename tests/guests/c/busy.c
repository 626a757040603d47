// SPDX-License-Identifier: Apache-2.0
// Says so, then computes for ever without a pause or a call.
#include <stdio.h>

int main(void) {
  volatile unsigned value = 0;
  printf("busy\n");
  fflush(stdout);
  for (;;) value++;
}
