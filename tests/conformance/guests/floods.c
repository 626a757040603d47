// SPDX-License-Identifier: Apache-2.0
// Writes a mebibyte to stdout, 1,024 bytes at a time, and says so on stderr.
#include "say.h"

int main(void) {
  char block[1024];
  memset(block, 'x', sizeof block);
  block[sizeof block - 1] = '\n';
  for (int i = 0; i < 1024; i++) {
    for (size_t done = 0; done < sizeof block;) {
      ssize_t put = write(1, block + done, sizeof block - done);
      if (put <= 0) return say_to(2, "write: errno %d", errno), 1;
      done += (size_t)put;
    }
  }
  say_to(2, "flooded");
  return 0;
}
