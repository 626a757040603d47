// SPDX-License-Identifier: Apache-2.0
/* What a yield costs, on weft.h: yield GS. Prints one number, nanoseconds a yield, the least of
 * five rounds; starting and ending the Gs counts, too. The same source on Linux and as WebAssembly:
 * bench/wasm/cost.py.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "capi/weft.h"

enum { YIELDS = 1000000, ROUNDS = 5 };

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

static double round_of(int gs) {
  weft_scheduler* s = NULL;
  double began;
  double took;
  int i;
  if (weft_create(NULL, &s) != WEFT_OK) exit(1);
  left = YIELDS;
  for (i = 0; i < gs; ++i) {
    if (weft_go(s, yields, NULL, NULL) != WEFT_OK) exit(1);
  }
  began = now_ns();
  if (weft_run(s) != WEFT_OK) {
    fputs(weft_message(s), stderr);
    exit(1);
  }
  took = now_ns() - began;
  weft_destroy(s);
  return took / YIELDS;
}

int main(int argc, char** argv) {
  const int gs = argc > 1 ? atoi(argv[1]) : 2;
  double least = 1e9;
  int i;
  for (i = 0; i < ROUNDS; ++i) {
    const double ns = round_of(gs);
    if (ns < least) least = ns;
  }
  printf("%.1f\n", least);
  return 0;
}
