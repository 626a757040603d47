// SPDX-License-Identifier: Apache-2.0
// Prints one line and sleeps as many seconds as its argument says.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char** argv) {
  printf("up\n");
  fflush(stdout);
  sleep(argc > 1 ? (unsigned)atoi(argv[1]) : 1);
  return 0;
}
