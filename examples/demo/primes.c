// SPDX-License-Identifier: Apache-2.0
// The demo's worker: counts primes by trial division and prints as it goes. It never gives way to
// the other guests: nothing here knows that it shares its thread.
#include <stdio.h>

static int is_prime(unsigned n) {
  for (unsigned d = 2; d * d <= n; d++) {
    if (n % d == 0) return 0;
  }
  return n >= 2;
}

int main(void) {
  unsigned count = 0;
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (unsigned n = 1; n <= 4800000; n++) {
    count += is_prime(n);
    if (n % 600000 == 0) printf("primes (C)   %u primes up to %u\n", count, n);
  }
  return 0;
}
