// SPDX-License-Identifier: Apache-2.0
// Prints one line and ends.
#include <stdio.h>

int main(void) {
  printf("hello from c\n");
  return 0;
}
