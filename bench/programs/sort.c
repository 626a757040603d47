// SPDX-License-Identifier: Apache-2.0
// 400,000 numbers by qsort with a comparison function, ten times.
#include <stdio.h>
#include <stdlib.h>

#define N 400000
static unsigned numbers[N];

static int compare(const void* a, const void* b) {
  unsigned x = *(const unsigned*)a, y = *(const unsigned*)b;
  return x < y ? -1 : x > y;
}

static void sort(unsigned* low, unsigned* high, int (*order)(const void*, const void*)) {
  while (low < high) {
    unsigned pivot = low[(high - low) / 2], *i = low, *j = high;
    while (i <= j) {
      while (order(i, &pivot) < 0) i++;
      while (order(j, &pivot) > 0) j--;
      if (i <= j) {
        unsigned t = *i;
        *i++ = *j;
        *j-- = t;
      }
    }
    sort(low, j, order);
    low = i;
  }
}

int main(int argc, char** argv) {
  unsigned value = (unsigned)argc, sum = 0;
  (void)argv;
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < N; i++) numbers[i] = value = value * 1664525u + 1013904223u;
    sort(numbers, numbers + N - 1, compare);
    sum += numbers[N / 2] + numbers[round];
  }
  printf("%u\n", sum);
}
