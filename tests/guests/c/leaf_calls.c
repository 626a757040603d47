// SPDX-License-Identifier: Apache-2.0
// Calls a long function that calls nothing and has no loop, a thousand times in a round, for ever.
#define TIMES_4(x) x x x x
#define TIMES_32(x) TIMES_4(x x x x x x x x)
#define TIMES_1024(x) TIMES_32(TIMES_32(x))

static double value = 3.7;

__attribute__((noinline)) static void leaf(void) {
  double x = value;
  TIMES_1024(x = __builtin_sqrt(x);)
  value = x;
}

int main(void) {
  for (;;) {
    TIMES_1024(leaf();)
  }
}
