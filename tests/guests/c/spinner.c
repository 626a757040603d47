// SPDX-License-Identifier: Apache-2.0
// Computes, prints and gives way by sched_yield, in turns. Never sleeps.
#include <sched.h>
#include <stdio.h>

static unsigned mix(unsigned value) {
  for (int i = 0; i < 2000; i++) value = value * 1664525u + 1013904223u;
  return value;
}

int main(int argc, char** argv) {
  const char* name = argc > 1 ? argv[1] : "spinner";
  unsigned value = 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int round = 1; round <= 5; round++) {
    value = mix(value);
    printf("%s round %d\n", name, round);
    sched_yield();
  }
  printf("%s sum %u\n", name, value);
  return 0;
}
