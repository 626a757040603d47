// SPDX-License-Identifier: Apache-2.0
// The spectral norm of a 1,000 by 1,000 matrix that is computed and not stored.
#include <math.h>
#include <stdio.h>

#define N 1000
static double u[N], v[N], t[N];

static double at(int i, int j) {
  return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1);
}

static void multiply(const double* from, double* to, int transposed) {
  for (int i = 0; i < N; i++) {
    to[i] = 0;
    for (int j = 0; j < N; j++) to[i] += (transposed ? at(j, i) : at(i, j)) * from[j];
  }
}

int main(void) {
  double uv = 0, vv = 0;
  for (int i = 0; i < N; i++) u[i] = 1;
  for (int i = 0; i < 10; i++) {
    multiply(u, t, 0);
    multiply(t, v, 1);
    multiply(v, t, 0);
    multiply(t, u, 1);
  }
  for (int i = 0; i < N; i++) uv += u[i] * v[i], vv += v[i] * v[i];
  printf("%.9f\n", sqrt(uv / vv));
}
