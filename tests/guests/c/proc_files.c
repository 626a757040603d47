// SPDX-License-Identifier: Apache-2.0
// Tries to open files of /proc, and prints what became of each.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  const char* const names[] = {"/proc/self/mem",
                               "/proc/self/maps",
                               "/proc/self/environ",
                               "/proc/self/fd/0",
                               "/proc/self/root/etc/passwd",
                               "/proc/1/status"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; ++i) {
    const int fd = open(names[i], O_RDONLY);
    printf("%s: %s\n", names[i], fd < 0 ? strerror(errno) : "open");
  }
  const int fd = open("/proc/self/mem", O_RDWR);
  printf("for writing: %s\n", fd < 0 ? strerror(errno) : "open");
  return 0;
}
