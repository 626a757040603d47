// SPDX-License-Identifier: Apache-2.0
// Makes its host keep things, and tells how far it came.
//   fill                 writes 4 KiB at a time to /full until that fails
//   listings FILES FDS   makes FILES files with long names, and begins to read the directory with
//                        each of FDS descriptors; then sleeps for a second
//   polls N FD           waits for N subscriptions to FD being readable
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>

static int fill(void) {
  static char block[4096];
  const int fd = open("/full", O_WRONLY | O_CREAT | O_TRUNC, 0666);
  long total = 0;
  ssize_t n = 0;
  for (int i = 0; i < 10000; ++i) {
    n = write(fd, block, sizeof block);
    if (n < 0) break;
    total += n;
  }
  printf("%ld bytes, then %s\n", total, n < 0 ? strerror(errno) : "no error");
  return 0;
}

static int listings(int files, int descriptors) {
  char name[256];
  memset(name, 'a', sizeof name);
  for (int i = 0; i < files; ++i) {
    sprintf(name + 220, "%08d", i);
    const int fd = open(name, O_WRONLY | O_CREAT, 0666);
    if (fd >= 0) close(fd);
  }
  int held = 0;
  int e = 0;
  for (; held < descriptors && e == 0; ++held) {
    __wasi_fd_t fd = 0;
    __wasi_size_t used = 0;
    uint8_t entry[10];
    e = __wasi_path_open(3, 0, ".", __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_FD_READDIR, 0, 0, &fd);
    if (e == 0) e = __wasi_fd_readdir(fd, entry, sizeof entry, 0, &used);
  }
  printf("%d listings, errno %d\n", held, e);
  fflush(stdout);
  usleep(1000000);
  return 0;
}

static int polls(unsigned n, unsigned fd) {
  __wasi_subscription_t* subscriptions = calloc(n, sizeof *subscriptions);
  __wasi_event_t* events = calloc(n, sizeof *events);
  for (unsigned i = 0; i < n; ++i) {
    subscriptions[i].u.tag = __WASI_EVENTTYPE_FD_READ;
    subscriptions[i].u.u.fd_read.file_descriptor = fd;
  }
  __wasi_size_t got = 0;
  const int e = __wasi_poll_oneoff(subscriptions, events, n, &got);
  printf("%u subscriptions, errno %d, %u events\n", n, e, got);
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "fill") == 0) return fill();
  if (argc == 4 && strcmp(argv[1], "listings") == 0) return listings(atoi(argv[2]), atoi(argv[3]));
  if (argc == 4 && strcmp(argv[1], "polls") == 0) {
    return polls((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
  }
  return 64;
}
