// Prints five lines, 20 ms apart. An argument names it: two of them show how output interleaves.
#include <stdio.h>
#include <time.h>

int main(int argc, char** argv) {
  const char* name = argc > 1 ? argv[1] : "ticker";
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int i = 1; i <= 5; i++) {
    struct timespec pause = {.tv_sec = 0, .tv_nsec = 20 * 1000 * 1000};
    nanosleep(&pause, NULL);
    printf("%s tick %d\n", name, i);
  }
  return 0;
}
