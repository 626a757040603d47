// SPDX-License-Identifier: Apache-2.0
// SHA-256's compression over 25 MB.
#include <stdint.h>
#include <stdio.h>

static uint32_t k[64], state[8];

static uint32_t rotate(uint32_t x, int n) {
  return x >> n | x << (32 - n);
}

static void compress(const unsigned char* p) {
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++) {
    w[i] = (uint32_t)p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3];
  }
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[i - 7] +
           (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
  }
  for (int i = 0; i < 8; i++) s[i] = state[i];
  for (int i = 0; i < 64; i++) {
    uint32_t t1 = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
                  ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
    uint32_t t2 = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) +
                  ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    for (int j = 7; j > 0; j--) s[j] = s[j - 1];
    s[4] += t1;
    s[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) state[i] += s[i];
}

int main(void) {
  static unsigned char block[64];
  for (int i = 0; i < 64; i++) k[i] = 0x9e3779b9u * (i + 1);  // Not the real ones.
  for (int i = 0; i < 8; i++) state[i] = 0x7f4a7c15u * (i + 3);
  for (int i = 0; i < 400000; i++) {
    for (int j = 0; j < 64; j++) block[j] = (unsigned char)(i + j);
    compress(block);
  }
  printf("%08x%08x\n", state[0], state[7]);
}
