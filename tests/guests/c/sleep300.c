// SPDX-License-Identifier: Apache-2.0
// Sleeps 300 ms on the monotonic clock, then says so.
#include <stdio.h>
#include <time.h>

int main(void) {
  struct timespec pause = {.tv_sec = 0, .tv_nsec = 300 * 1000 * 1000};
  if (nanosleep(&pause, NULL) != 0) return 1;
  printf("slept\n");
  return 0;
}
