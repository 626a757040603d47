// SPDX-License-Identifier: Apache-2.0
// How many points of a 800 by 800 grid stay in the Mandelbrot set for 200 rounds.
#include <stdio.h>

int main(void) {
  int inside = 0;
  for (int py = 0; py < 800; py++) {
    for (int px = 0; px < 800; px++) {
      double cx = px * .00375 - 2, cy = py * .0025 - 1, x = 0, y = 0;
      int i = 0;
      for (; i < 200 && x * x + y * y < 4; i++) {
        double next = x * x - y * y + cx;
        y = 2 * x * y + cy;
        x = next;
      }
      inside += i == 200;
    }
  }
  printf("%d\n", inside);
}
