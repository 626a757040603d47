// SPDX-License-Identifier: Apache-2.0
// Runs into a limit, as its argument says, and tells how far it came.
//   grow      grows its memory page by page until that fails, and keeps it for 100 ms
//   open      opens / until that fails
//   write N   writes N bytes to stdout, ten at a time
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int grow(void) {
  unsigned long before = __builtin_wasm_memory_size(0);
  while (__builtin_wasm_memory_grow(0, 1) != (unsigned long)-1) sched_yield();
  unsigned long after = __builtin_wasm_memory_size(0);
  usleep(100000);
  printf("%lu pages, %s\n", after, after >= before ? "none lost" : "some lost");
  return 0;
}

static int open_many(void) {
  int count = 0;
  while (open("/", O_RDONLY | O_DIRECTORY) >= 0) count++;
  printf("%d opened, then %s\n", count,
         errno == EMFILE   ? "EMFILE"
         : errno == ENFILE ? "ENFILE"
                           : strerror(errno));
  return 0;
}

static int write_many(long bytes) {
  for (; bytes > 0; bytes -= 10) {
    if (write(1, "123456789\n", 10) < 0) return 1;
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "grow") == 0) return grow();
  if (argc > 1 && strcmp(argv[1], "open") == 0) return open_many();
  if (argc > 2 && strcmp(argv[1], "write") == 0) return write_many(atol(argv[2]));
  return 64;
}
