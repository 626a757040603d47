// SPDX-License-Identifier: Apache-2.0
// Computes until its CPU clock has moved by N milliseconds (the first argument), sleeps 100 ms, and
// prints by how much the clock has moved in all.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <wasi/api.h>

static __wasi_timestamp_t cpu(void) {
  __wasi_timestamp_t t = 0;
  const int e = __wasi_clock_time_get(__WASI_CLOCKID_PROCESS_CPUTIME_ID, 0, &t);
  if (e != 0) {
    printf("errno %d\n", e);
    exit(e);
  }
  return t;
}

static volatile unsigned work;

int main(int argc, char** argv) {
  const __wasi_timestamp_t span = (argc > 1 ? atoi(argv[1]) : 50) * 1000000ull;
  const __wasi_timestamp_t start = cpu();
  while (cpu() - start < span) {
    for (int i = 0; i < 100000; ++i) work += (unsigned)i;
  }
  usleep(100000);
  printf("%llu ms of CPU time\n", (unsigned long long)(cpu() - start) / 1000000);
  return 0;
}
