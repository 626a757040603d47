// SPDX-License-Identifier: Apache-2.0
// Waits for stdin beside a clock: first the clock, then what is sent, at last the hang-up.
#include "say.h"

static int wait_once(__wasi_timestamp_t timeout) {
  __wasi_subscription_t in[2] = {on_read(1, 0), after(2, timeout)};
  __wasi_event_t out[2];
  int count = poll_events(in, out, 2);
  if (count != 1) return -1;
  if (out[0].userdata == 2) return say("clock"), 2;
  int hangup = (out[0].fd_readwrite.flags & __WASI_EVENTRWFLAGS_FD_READWRITE_HANGUP) != 0;
  say("stdin: nbytes %llu, hangup %d", out[0].fd_readwrite.nbytes, hangup);
  return 1;
}

int main(void) {
  char buffer[16];
  int got = 0;
  wait_once(20 * kMs);
  say("send");
  if (wait_once(30000ull * kMs) != 1) return 1;
  read_some(0, buffer, sizeof buffer, &got);
  say("read %d", got);
  if (wait_once(30000ull * kMs) != 1) return 1;
  int error = read_some(0, buffer, sizeof buffer, &got);
  say("read %d error %d", got, error);
  return 0;
}
