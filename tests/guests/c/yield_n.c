// SPDX-License-Identifier: Apache-2.0
// Calls sched_yield as often as its argument says (1,000 without one).
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  long count = argc > 1 ? atol(argv[1]) : 1000;
  for (long i = 0; i < count; i++) {
    if (sched_yield() != 0) return 1;
  }
  printf("yielded %ld times\n", count);
  return 0;
}
