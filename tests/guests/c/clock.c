// SPDX-License-Identifier: Apache-2.0
// Checks that the clocks behave, and prints the wall clock's seconds for the test to compare.
#include <stdio.h>
#include <time.h>

static long long nanoseconds(clockid_t clock) {
  struct timespec now;
  if (clock_gettime(clock, &now) != 0) return -1;
  return now.tv_sec * 1000000000ll + now.tv_nsec;
}

int main(void) {
  struct timespec resolution;
  long long before = nanoseconds(CLOCK_MONOTONIC);
  struct timespec pause = {.tv_sec = 0, .tv_nsec = 30 * 1000 * 1000};
  nanosleep(&pause, NULL);
  long long passed = nanoseconds(CLOCK_MONOTONIC) - before;
  printf("slept enough: %s\n", passed >= 30 * 1000 * 1000 ? "yes" : "no");
  printf("resolution known: %s\n",
         clock_getres(CLOCK_MONOTONIC, &resolution) == 0 && resolution.tv_nsec > 0 ? "yes" : "no");
  printf("wall %lld\n", nanoseconds(CLOCK_REALTIME) / 1000000000ll);
  return 0;
}
