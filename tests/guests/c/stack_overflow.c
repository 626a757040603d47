// SPDX-License-Identifier: Apache-2.0
// Recurses without an end. The frames are large, so C's own stack in linear memory runs out (and
// traps out of bounds) or the call stack does; either way only this guest ends.
__attribute__((noinline)) static int forever(volatile char* above) {
  volatile char frame[64];
  frame[0] = above[0];
  return forever(frame) + frame[0];
}

int main(void) {
  volatile char first = 1;
  return forever(&first);
}
