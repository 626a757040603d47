// SPDX-License-Identifier: Apache-2.0
// Planted bug: partial write. The writer appends to a log in two writes, the length and then the
// text; the reader takes a log whose last entry has no text yet. Started as `partial_write write`
// and `partial_write read`.
// weft test --empty-dir /shared c_partial_write.wasm write ::: c_partial_write.wasm read
#include "shared_file.h"

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  int fd = open("/shared/log", O_RDWR | O_CREAT, 0644);
  if (fd < 0) return 9;
  if (strcmp(argv[1], "write") == 0) {
    for (int i = 0; i < 3; i++) {
      if (write(fd, "5", 1) != 1 || write(fd, "entry", 5) != 5) return 9;
    }
    return 0;
  }
  char log[64];
  ssize_t n = read(fd, log, sizeof log);
  return n % 6 == 0 ? 0 : 1;
}
