// SPDX-License-Identifier: Apache-2.0
/* Emscripten's own fibers, to compare with: emscripten_fibers GS. Each fiber swaps to the next one.
 * Prints one number, nanoseconds a swap, the least of five rounds.
 */
#include <emscripten.h>
#include <emscripten/fiber.h>
#include <stdio.h>
#include <stdlib.h>

enum { SWAPS = 200000, ROUNDS = 5, STACK_BYTES = 65536 };

static emscripten_fiber_t home;
static emscripten_fiber_t* fibers;
static int count;
static long left;

static void swaps(void* number) {
  const int me = (int)(long)number;
  for (;;) {
    emscripten_fiber_t* next = --left > 0 ? &fibers[(me + 1) % count] : &home;
    emscripten_fiber_swap(&fibers[me], next);
  }
}

int main(int argc, char** argv) {
  static char home_asyncify[STACK_BYTES];
  double least = 1e9;
  int i;
  int round;
  count = argc > 1 ? atoi(argv[1]) : 2;
  fibers = calloc((size_t)count, sizeof *fibers);
  emscripten_fiber_init_from_current_context(&home, home_asyncify, sizeof home_asyncify);
  for (i = 0; i < count; ++i) {
    emscripten_fiber_init(&fibers[i], swaps, (void*)(long)i, malloc(STACK_BYTES), STACK_BYTES,
                          malloc(STACK_BYTES), STACK_BYTES);
  }
  for (round = 0; round < ROUNDS; ++round) {
    double began = emscripten_get_now();
    double ns;
    left = SWAPS;
    emscripten_fiber_swap(&home, &fibers[0]);
    ns = (emscripten_get_now() - began) * 1e6 / SWAPS;
    if (ns < least) least = ns;
  }
  printf("%.1f\n", least);
  return 0;
}
