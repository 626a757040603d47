// SPDX-License-Identifier: Apache-2.0
// The demo's sleeper: prints a line every 250 ms. Asleep nearly always, so it costs no CPU.
#include <stdio.h>
#include <time.h>

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int tick = 1; tick <= 6; tick++) {
    struct timespec pause = {.tv_sec = 0, .tv_nsec = 250 * 1000 * 1000};
    nanosleep(&pause, NULL);
    printf("ticker (C)   tick %d\n", tick);
  }
  return 0;
}
