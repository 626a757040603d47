// SPDX-License-Identifier: Apache-2.0
// Makes one kind of host call that works for long, again and again:
//   long_calls KIND MILLISECONDS
//   pread pwrite read write   1 GiB or 256 MiB through iovecs that all point to the same buffer
//   allocate                  1 GiB, and gives it back
//   poll                      65,536 subscriptions
//   list                      the directory /, from its start
//   random                    64 MiB
//   nothing                   no call: it computes
// Prints how many calls it made.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wasi/api.h>

enum { MIB = 1 << 20, POLLS = 65536 };

static uint8_t big[64 * MIB];
static __wasi_iovec_t into[1024];
static __wasi_ciovec_t from[256];
static __wasi_subscription_t subscriptions[POLLS];
static __wasi_event_t events[POLLS];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static __wasi_fd_t open_file(const char* name) {
  const __wasi_rights_t rights = __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE |
                                 __WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_ALLOCATE |
                                 __WASI_RIGHTS_FD_FILESTAT_SET_SIZE;
  __wasi_fd_t fd = 0;
  const int e = __wasi_path_open(3, 0, name, __WASI_OFLAGS_CREAT, rights, 0, 0, &fd);
  if (e != 0) exit(e);
  return fd;
}

static int call(const char* kind, __wasi_fd_t fd) {
  __wasi_size_t n = 0;
  __wasi_filesize_t at = 0;
  if (strcmp(kind, "pread") == 0) return __wasi_fd_pread(fd, into, 1024, 0, &n);
  if (strcmp(kind, "pwrite") == 0) return __wasi_fd_pwrite(fd, from, 256, 0, &n);
  if (strcmp(kind, "list") == 0) return __wasi_fd_readdir(3, big, MIB, 0, &n);
  if (strcmp(kind, "poll") == 0) return __wasi_poll_oneoff(subscriptions, events, POLLS, &n);
  if (strcmp(kind, "nothing") == 0) {
    static volatile unsigned work;
    for (int i = 0; i < 1000000; ++i) work += (unsigned)i;
    return 0;
  }
  if (strcmp(kind, "random") == 0) return __wasi_random_get(big, sizeof big);
  if (strcmp(kind, "allocate") == 0) {
    const int e = __wasi_fd_allocate(fd, 0, 1024ull * MIB);
    return e != 0 ? e : __wasi_fd_filestat_set_size(fd, 0);
  }
  const int e = __wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &at);
  if (e != 0) return e;
  if (strcmp(kind, "read") == 0) return __wasi_fd_read(fd, into, 1024, &n);
  if (strcmp(kind, "write") == 0) return __wasi_fd_write(fd, from, 256, &n);
  return 64;
}

int main(int argc, char** argv) {
  if (argc < 3) return 64;
  for (int i = 0; i < 1024; ++i) into[i] = (__wasi_iovec_t){big, MIB};
  for (int i = 0; i < 256; ++i) from[i] = (__wasi_ciovec_t){big, MIB};
  for (int i = 0; i < POLLS; ++i) {
    subscriptions[i].u.tag = i % 2 ? __WASI_EVENTTYPE_FD_WRITE : __WASI_EVENTTYPE_CLOCK;
    if (i % 2) subscriptions[i].u.u.fd_write.file_descriptor = 1;
  }
  const int needs_file = strchr("parw", argv[1][0]) != NULL && strcmp(argv[1], "poll") != 0 &&
                         strcmp(argv[1], "random") != 0;
  const __wasi_fd_t fd = needs_file ? open_file("long") : 0;
  if (strstr(argv[1], "read") != NULL) {
    const int e = __wasi_fd_filestat_set_size(fd, 1024ull * MIB);  // A hole.
    if (e != 0) return e;
  }
  const double end = now() + atof(argv[2]) / 1000;
  int calls = 0;
  do {
    const int e = call(argv[1], fd);
    if (e != 0) return e;
    ++calls;
  } while (now() < end);
  printf("%d calls of %s\n", calls, argv[1]);
  return 0;
}
