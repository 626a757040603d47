// SPDX-License-Identifier: Apache-2.0
// Computes, keeps what it computed in memory, yields in between, and checks all of it in the end.
#include <sched.h>
#include <stdio.h>

#define WORDS 65536
#define ROUNDS 64
#define STEP (WORDS / ROUNDS)

static unsigned words[WORDS];

int main(void) {
  unsigned value = 12345;
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < STEP; i++) {
      value = value * 1664525u + 1013904223u;
      words[round * STEP + i] = value;
    }
    sched_yield();
  }
  value = 12345;
  for (int i = 0; i < WORDS; i++) {
    value = value * 1664525u + 1013904223u;
    if (words[i] != value) {
      printf("word %d is %u, not %u\n", i, words[i], value);
      return 1;
    }
  }
  printf("healthy: %d words, the last is %u\n", WORDS, value);
  return 0;
}
