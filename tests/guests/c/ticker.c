// SPDX-License-Identifier: Apache-2.0
// Prints five lines, 20 ms apart. The first argument names it: two of them show how output
// interleaves. With a second argument the lines go to stderr.
#include <stdio.h>
#include <time.h>

int main(int argc, char** argv) {
  const char* name = argc > 1 ? argv[1] : "ticker";
  FILE* out = argc > 2 ? stderr : stdout;
  setvbuf(out, NULL, _IOLBF, 0);
  for (int i = 1; i <= 5; i++) {
    struct timespec pause = {.tv_sec = 0, .tv_nsec = 20 * 1000 * 1000};
    nanosleep(&pause, NULL);
    fprintf(out, "%s tick %d\n", name, i);
  }
  return 0;
}
