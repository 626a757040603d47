// SPDX-License-Identifier: Apache-2.0
// Numbers in files that guests share: the memory that they have in common.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// The number in the file; 0 when there is none.
__attribute__((unused)) static int read_number(const char* path) {
  char text[32] = {0};
  int fd = open(path, O_RDONLY);
  if (fd < 0) return 0;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  return n > 0 ? atoi(text) : 0;
}

__attribute__((unused)) static void write_number(const char* path, int number) {
  char text[32];
  int length = snprintf(text, sizeof text, "%d\n", number);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0 || write(fd, text, (size_t)length) != length) exit(9);
  close(fd);
}

// A lock: the guest that makes the directory has it. Returns 1 when it is ours.
__attribute__((unused)) static int try_lock(const char* path) {
  return mkdir(path, 0755) == 0;
}

__attribute__((unused)) static void unlock(const char* path) {
  rmdir(path);
}
