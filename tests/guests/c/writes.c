// SPDX-License-Identifier: Apache-2.0
// writes FD MIB CODE: writes so many MiB of lines to a descriptor, then one more line, and exits.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK (1 << 16)

int main(int argc, char** argv) {
  static char block[BLOCK];
  if (argc != 4) return 64;
  const int fd = atoi(argv[1]);
  memset(block, '.', sizeof block);
  for (int i = 63; i < BLOCK; i += 64) block[i] = '\n';
  for (long left = atol(argv[2]) * 16; left > 0; left--) {
    if (write(fd, block, BLOCK) != BLOCK) return 74;
  }
  if (write(fd, "the last line\n", 14) != 14) return 74;
  return atoi(argv[3]);
}
