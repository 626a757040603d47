// SPDX-License-Identifier: Apache-2.0
// Makes stdin non-blocking, as Go does, and expects EAGAIN from an empty pipe instead of a wait.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  char byte;
  if (fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) != 0) return 1;
  if ((fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK) == 0) return 2;
  ssize_t count = read(STDIN_FILENO, &byte, 1);
  printf("%s\n", count < 0 && errno == EAGAIN ? "again" : "no wait was needed");
  return 0;
}
