// SPDX-License-Identifier: Apache-2.0
// Sleeps 2 s: long enough to measure that a sleeping guest costs no CPU.
#include <time.h>

int main(void) {
  struct timespec pause = {.tv_sec = 2, .tv_nsec = 0};
  return nanosleep(&pause, NULL);
}
