// SPDX-License-Identifier: Apache-2.0
// Accepts three connections with calls that wait, and says what each sends, in order.
#include "say.h"

int main(void) {
  __wasi_fd_fdstat_set_flags(3, 0);
  say("listening");
  nap(100 * kMs);  // Meanwhile the clients connect.
  for (int i = 0; i < 3; i++) {
    char buffer[16];
    int got = 0;
    __wasi_fd_t connection;
    int error = __wasi_sock_accept(3, 0, &connection);
    if (error != 0) return say("accept: errno %d", error), 1;
    read_some((int)connection, buffer, sizeof buffer - 1, &got);
    buffer[got] = 0;
    buffer[strcspn(buffer, "\n")] = 0;
    say("%s", buffer);
    __wasi_fd_close(connection);
  }
  return 0;
}
