// SPDX-License-Identifier: Apache-2.0
// A connection whose client goes away: what it sent can be read, then the hang-up is flagged and
// reading gives the end.
#include "say.h"

int main(void) {
  __wasi_fd_t connection;
  char buffer[16];
  int got = 0;
  __wasi_fd_fdstat_set_flags(3, 0);
  say("listening");
  if (__wasi_sock_accept(3, 0, &connection) != 0) return 1;
  read_some((int)connection, buffer, sizeof buffer, &got);
  say("read %d", got);
  __wasi_subscription_t in = on_read(1, connection);
  __wasi_event_t out;
  poll_events(&in, &out, 1);
  say("hangup %d", (out.fd_readwrite.flags & __WASI_EVENTRWFLAGS_FD_READWRITE_HANGUP) != 0);
  read_some((int)connection, buffer, sizeof buffer, &got);
  say("read %d", got);
  return 0;
}
