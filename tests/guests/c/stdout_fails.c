// SPDX-License-Identifier: Apache-2.0
// Writes to stdout and reports, on stderr, whether the write worked.
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  if (write(STDOUT_FILENO, "some output\n", 12) == 12) return 0;
  const char* reason = errno == ENOSPC ? "no space" : errno == EPIPE ? "pipe" : "?";
  fprintf(stderr, "write failed: %s\n", reason);
  return 3;
}
