// SPDX-License-Identifier: Apache-2.0
// Ends with exit code 7. The line before it must not be lost, although nothing flushes it by hand.
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  printf("leaving with 7");
  exit(7);
}
