// SPDX-License-Identifier: Apache-2.0
/* What a yield costs, on weft.h: yield GS YIELDS. Prints one number, nanoseconds a yield by the
 * clock; starting and ending the Gs counts, too. The same source on Linux and as WebAssembly:
 * bench/wasm/cost.py.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "capi/weft.h"

static long left;

static void yields(void* unused) {
  (void)unused;
  while (left-- > 0) weft_osyield();
}

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char** argv) {
  const int gs = argc > 1 ? atoi(argv[1]) : 2;
  const long yields_of_all = argc > 2 ? atol(argv[2]) : 1000000;
  weft_scheduler* s = NULL;
  double began;
  double took;
  int i;
  if (weft_create(NULL, &s) != WEFT_OK) return 1;
  left = yields_of_all;
  for (i = 0; i < gs; ++i) {
    if (weft_go(s, yields, NULL, NULL) != WEFT_OK) return 1;
  }
  began = now_ns();
  if (weft_run(s) != WEFT_OK) {
    fputs(weft_message(s), stderr);
    return 1;
  }
  took = now_ns() - began;
  weft_destroy(s);
  printf("%.1f\n", took / (double)yields_of_all);
  return 0;
}
