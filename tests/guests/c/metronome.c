// SPDX-License-Identifier: Apache-2.0
// Ticks every 50 ms of the monotonic clock until it is stopped, and prints how late each tick was
// in microseconds. Sleeps to absolute times: what one tick is late is not added to the next.
#include <stdio.h>
#include <time.h>

enum { kIntervalNs = 50 * 1000 * 1000 };

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000ll + now.tv_nsec;
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (long long due = now_ns() + kIntervalNs;; due += kIntervalNs) {
    struct timespec until = {.tv_sec = due / 1000000000ll, .tv_nsec = due % 1000000000ll};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    printf("late %lld us\n", (now_ns() - due) / 1000);
  }
}
