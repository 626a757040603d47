// SPDX-License-Identifier: Apache-2.0
// The most flips that a permutation of 10 needs.
#include <stdio.h>

#define N 10

int main(void) {
  int perm[N], perm1[N], count[N], flips_max = 0, checksum = 0, r = N, number = 0;
  for (int i = 0; i < N; i++) perm1[i] = i;
  for (;;) {
    for (; r != 1; r--) count[r - 1] = r;
    for (int i = 0; i < N; i++) perm[i] = perm1[i];
    int flips = 0;
    for (int k; (k = perm[0]) != 0; flips++) {
      for (int i = 0, j = k; i < j; i++, j--) {
        int t = perm[i];
        perm[i] = perm[j];
        perm[j] = t;
      }
    }
    if (flips > flips_max) flips_max = flips;
    checksum += number++ % 2 == 0 ? flips : -flips;
    for (;; r++) {
      if (r == N) {
        printf("%d %d\n", checksum, flips_max);
        return 0;
      }
      int first = perm1[0];
      for (int i = 0; i < r; i++) perm1[i] = perm1[i + 1];
      perm1[r] = first;
      if (--count[r] > 0) break;
    }
  }
}
