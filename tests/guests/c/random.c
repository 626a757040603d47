// SPDX-License-Identifier: Apache-2.0
// Fills 16 bytes, and 100,000 bytes, with random values and prints the 16.
#include <stdio.h>
#include <unistd.h>

#include <wasi/api.h>

static unsigned char large[100000];

int main(void) {
  unsigned char bytes[16];
  if (getentropy(bytes, sizeof bytes) != 0) return 1;
  if (__wasi_random_get(large, sizeof large) != 0) return 2;
  unsigned used[256] = {0};
  for (unsigned i = 0; i < sizeof large; i++) used[large[i]]++;
  for (int i = 0; i < 256; i++) {
    if (used[i] == 0) return 3;
  }
  for (unsigned i = 0; i < sizeof bytes; i++) printf("%02x", bytes[i]);
  printf("\n");
  return 0;
}
