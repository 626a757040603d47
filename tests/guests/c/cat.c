// SPDX-License-Identifier: Apache-2.0
// Copies stdin to stdout until the end, in small pieces.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int write_all(const char* bytes, ssize_t count) {
  while (count > 0) {
    ssize_t written = write(STDOUT_FILENO, bytes, (size_t)count);
    if (written < 0) return -1;
    bytes += written;
    count -= written;
  }
  return 0;
}

int main(void) {
  char buffer[777];
  ssize_t count;
  while ((count = read(STDIN_FILENO, buffer, sizeof buffer)) > 0) {
    if (write_all(buffer, count) != 0) {
      fprintf(stderr, "write: %s\n", strerror(errno));
      return 1;
    }
  }
  return count == 0 ? 0 : 1;
}
