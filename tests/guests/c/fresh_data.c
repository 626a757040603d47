// SPDX-License-Identifier: Apache-2.0
// Has much data. Looks whether it is as written here, changes half of its pages, and its stack and
// heap. Exits with 1 when it was not. With an argument: traps at the end.
#include <stdlib.h>
#include <string.h>

#define EIGHT(x) x, x, x, x, x, x, x, x
#define MANY(x) EIGHT(EIGHT(x)), EIGHT(EIGHT(x + 1)), EIGHT(EIGHT(x + 2)), EIGHT(EIGHT(x + 3))
#define VERY_MANY(x) MANY(x), MANY(x + 4), MANY(x + 8), MANY(x + 12)

enum { kCount = 16 * 64 * 16 };
static int data[kCount] = {
    VERY_MANY(1),   VERY_MANY(17),  VERY_MANY(33),  VERY_MANY(49),  VERY_MANY(65),  VERY_MANY(81),
    VERY_MANY(97),  VERY_MANY(113), VERY_MANY(129), VERY_MANY(145), VERY_MANY(161), VERY_MANY(177),
    VERY_MANY(193), VERY_MANY(209), VERY_MANY(225), VERY_MANY(241),
};
static int zeroes[50000];

int main(int argc, char** argv) {
  (void)argv;
  for (int i = 0; i < kCount; ++i) {
    if (data[i] != i / 64 + 1) return 1;
  }
  for (int i = 0; i < 50000; ++i) {
    if (zeroes[i] != 0) return 2;
  }
  for (int i = 0; i < kCount; i += 2048) data[i] = -1;
  memset(zeroes, 7, sizeof zeroes);
  volatile char* heap = malloc(3 << 20);
  if (heap == NULL) return 3;
  memset((char*)heap, 9, 3 << 20);
  if (argc > 1) __builtin_trap();
  return 0;
}
