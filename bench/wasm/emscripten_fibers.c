// SPDX-License-Identifier: Apache-2.0
/* Emscripten's own fibers, to compare with: emscripten_fibers GS SWAPS. Each fiber swaps to the
 * next one. Prints one number, nanoseconds a swap by the clock.
 */
#include <emscripten.h>
#include <emscripten/fiber.h>
#include <stdio.h>
#include <stdlib.h>

enum { STACK_BYTES = 65536 };

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
  const long swaps_of_all = argc > 2 ? atol(argv[2]) : 200000;
  double began;
  int i;
  count = argc > 1 ? atoi(argv[1]) : 2;
  fibers = calloc((size_t)count, sizeof *fibers);
  emscripten_fiber_init_from_current_context(&home, home_asyncify, sizeof home_asyncify);
  for (i = 0; i < count; ++i) {
    emscripten_fiber_init(&fibers[i], swaps, (void*)(long)i, malloc(STACK_BYTES), STACK_BYTES,
                          malloc(STACK_BYTES), STACK_BYTES);
  }
  began = emscripten_get_now();
  left = swaps_of_all;
  emscripten_fiber_swap(&home, &fibers[0]);
  printf("%.1f\n", (emscripten_get_now() - began) * 1e6 / (double)swaps_of_all);
  return 0;
}
