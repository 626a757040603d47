// SPDX-License-Identifier: Apache-2.0
// Primes below 4,000,000, ten times.
#include <stdio.h>
#include <string.h>

#define N 4000000
static unsigned char composite[N];

int main(void) {
  unsigned count = 0;
  for (int round = 0; round < 10; round++) {
    memset(composite, 0, N);
    for (unsigned i = 2; i < N; i++) {
      if (composite[i]) continue;
      count++;
      for (unsigned k = i + i; k < N; k += i) composite[k] = 1;
    }
  }
  printf("%u\n", count);
}
