// SPDX-License-Identifier: Apache-2.0
// FDFLAGS_NONBLOCK on stdin: EAGAIN while nothing is there; cleared, a read waits again.
#include "say.h"

int main(void) {
  char buffer[16];
  int got = 0;
  __wasi_fd_fdstat_set_flags(0, __WASI_FDFLAGS_NONBLOCK);
  int error = read_some(0, buffer, sizeof buffer, &got);
  say("eagain %d", error == __WASI_ERRNO_AGAIN);
  __wasi_fdstat_t about;
  __wasi_fd_fdstat_get(0, &about);
  say("nonblock %d", (about.fs_flags & __WASI_FDFLAGS_NONBLOCK) != 0);
  __wasi_fd_fdstat_set_flags(0, 0);
  say("waiting");
  error = read_some(0, buffer, sizeof buffer, &got);
  say("read %d error %d", got, error);
  return 0;
}
