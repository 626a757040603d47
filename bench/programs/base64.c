// SPDX-License-Identifier: Apache-2.0
// 1 MiB to base64 and back, 60 times.
#include <stdio.h>
#include <string.h>

#define N (1 << 20)
static unsigned char plain[N], back[N + 4];
static char text[N / 3 * 4 + 8];
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int main(void) {
  signed char value[256];
  unsigned sum = 0;
  memset(value, -1, sizeof value);
  for (int i = 0; i < 64; i++) value[(unsigned char)digits[i]] = (signed char)i;
  for (int round = 0; round < 60; round++) {
    for (int i = 0; i < N; i++) plain[i] = (unsigned char)(i * 7 + round);
    char* out = text;
    for (int i = 0; i + 2 < N; i += 3) {
      unsigned word = plain[i] << 16 | plain[i + 1] << 8 | plain[i + 2];
      for (int shift = 18; shift >= 0; shift -= 6) *out++ = digits[word >> shift & 63];
    }
    unsigned char* to = back;
    for (const char* in = text; in < out; in += 4) {
      unsigned word = 0;
      for (int i = 0; i < 4; i++) word = word << 6 | value[(unsigned char)in[i]];
      *to++ = (unsigned char)(word >> 16);
      *to++ = (unsigned char)(word >> 8);
      *to++ = (unsigned char)word;
    }
    sum += (unsigned)memcmp(plain, back, (size_t)(to - back)) + back[12345];
  }
  printf("%u\n", sum);
}
