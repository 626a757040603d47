// SPDX-License-Identifier: Apache-2.0
// Writes and reads a file of /data a hundred times each, goes on after errors, and counts what
// happened: whole, short, and how they failed.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { kTimes = 100, kBytes = 1000 };

struct Counts {
  int whole, cut_short, no_space, io, other;
};

static void count(struct Counts* counts, ssize_t moved) {
  if (moved == kBytes) {
    counts->whole++;
  } else if (moved >= 0) {
    counts->cut_short++;
  } else if (errno == ENOSPC) {
    counts->no_space++;
  } else if (errno == EIO) {
    counts->io++;
  } else {
    counts->other++;
  }
}

static int open_for_sure(int flags) {
  for (int i = 0; i < 1000; i++) {
    int fd = open("/data/file", flags, 0666);
    if (fd >= 0) return fd;
  }
  return -1;
}

static void show(const char* what, const struct Counts* counts) {
  printf("%s: %d whole, %d short, %d ENOSPC, %d EIO, %d other\n", what, counts->whole,
         counts->cut_short, counts->no_space, counts->io, counts->other);
}

int main(void) {
  static char bytes[kBytes];
  struct Counts writes = {0}, reads = {0};
  memset(bytes, 'x', sizeof bytes);
  int fd = open_for_sure(O_RDWR | O_CREAT);
  if (fd < 0) return 1;
  for (int i = 0; i < kTimes; i++) count(&writes, pwrite(fd, bytes, sizeof bytes, 0));
  while (pwrite(fd, bytes, sizeof bytes, 0) != kBytes) {
  }
  for (int i = 0; i < kTimes; i++) count(&reads, pread(fd, bytes, sizeof bytes, 0));
  show("writes", &writes);
  show("reads", &reads);
  return 0;
}
