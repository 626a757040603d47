// SPDX-License-Identifier: Apache-2.0
// Five bodies that attract each other, 2,500,000 steps.
#include <math.h>
#include <stdio.h>

#define BODIES 5
static double x[BODIES][3] = {
    {0, 0, 0}, {4.84, -1.16, -.10}, {8.34, 4.12, -.4}, {12.89, -15.11, -.22}, {15.37, -25.9, .179}};
static double v[BODIES][3] = {
    {0, 0, 0}, {.6, 2.8, -.02}, {-1.01, 1.8, .008}, {1.08, .868, -.01}, {.979, .594, -.034}};
static double mass[BODIES] = {39.47, .037, .011, .0017, .002};

int main(void) {
  for (int step = 0; step < 2500000; step++) {
    for (int i = 0; i < BODIES; i++) {
      for (int j = i + 1; j < BODIES; j++) {
        double d[3], square = 0;
        for (int k = 0; k < 3; k++) d[k] = x[i][k] - x[j][k], square += d[k] * d[k];
        double pull = .01 / (square * sqrt(square));
        for (int k = 0; k < 3; k++) {
          v[i][k] -= d[k] * mass[j] * pull;
          v[j][k] += d[k] * mass[i] * pull;
        }
      }
    }
    for (int i = 0; i < BODIES; i++) {
      for (int k = 0; k < 3; k++) x[i][k] += .01 * v[i][k];
    }
  }
  printf("%.6f %.6f\n", x[0][0], v[1][1]);
}
