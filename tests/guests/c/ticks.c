// SPDX-License-Identifier: Apache-2.0
// Sleeps 10 ms, N times (the first argument), and prints how late it was woken at worst.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

int main(int argc, char** argv) {
  const int ticks = argc > 1 ? atoi(argv[1]) : 100;
  const struct timespec period = {0, 10000000};
  int64_t worst = 0;
  for (int i = 0; i < ticks; ++i) {
    const int64_t start = now_us();
    nanosleep(&period, NULL);
    const int64_t late = now_us() - start - 10000;
    if (late > worst) worst = late;
  }
  printf("%d ticks, worst %lld us late\n", ticks, (long long)worst);
  return 0;
}
