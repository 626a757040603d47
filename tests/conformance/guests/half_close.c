// SPDX-License-Identifier: Apache-2.0
// Ends its own direction of a connection; the other one goes on.
#include "say.h"

int main(void) {
  __wasi_fd_t connection;
  char buffer[16];
  int got = 0;
  __wasi_fd_fdstat_set_flags(3, 0);
  say("listening");
  if (__wasi_sock_accept(3, 0, &connection) != 0) return 1;
  say_to((int)connection, "bye");
  int error = __wasi_sock_shutdown(connection, __WASI_SDFLAGS_WR);
  say("shutdown %d", error);
  error = say_to((int)connection, "more");
  say("epipe %d", error == __WASI_ERRNO_PIPE);
  read_some((int)connection, buffer, sizeof buffer, &got);
  say("read %d", got);
  return 0;
}
