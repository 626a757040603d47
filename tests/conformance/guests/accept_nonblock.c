// SPDX-License-Identifier: Apache-2.0
// A listener that does not wait: EAGAIN, then poll_oneoff says when somebody has connected.
#include "say.h"

int main(void) {
  __wasi_fd_t connection;
  __wasi_fd_fdstat_set_flags(3, __WASI_FDFLAGS_NONBLOCK);
  int error = __wasi_sock_accept(3, __WASI_FDFLAGS_NONBLOCK, &connection);
  say("eagain %d", error == __WASI_ERRNO_AGAIN);
  __wasi_subscription_t in = on_read(1, 3);
  __wasi_event_t out;
  poll_events(&in, &out, 1);
  error = __wasi_sock_accept(3, __WASI_FDFLAGS_NONBLOCK, &connection);
  say("accepted %d", error == 0);
  __wasi_fdstat_t about;
  __wasi_fd_fdstat_get(connection, &about);
  say("nonblock %d", (about.fs_flags & __WASI_FDFLAGS_NONBLOCK) != 0);
  return 0;
}
