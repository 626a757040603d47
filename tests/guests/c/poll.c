// SPDX-License-Identifier: Apache-2.0
// Waits for stdin or 100 ms, whatever comes first, until stdin ends. Prints what came.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <wasi/api.h>

enum { kStdin = 1, kTimeout = 2 };

static __wasi_size_t wait(__wasi_event_t events[2]) {
  __wasi_subscription_t wanted[2];
  __wasi_size_t count = 0;
  memset(wanted, 0, sizeof wanted);
  wanted[0].userdata = kStdin;
  wanted[0].u.tag = __WASI_EVENTTYPE_FD_READ;
  wanted[0].u.u.fd_read.file_descriptor = STDIN_FILENO;
  wanted[1].userdata = kTimeout;
  wanted[1].u.tag = __WASI_EVENTTYPE_CLOCK;
  wanted[1].u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
  wanted[1].u.u.clock.timeout = 100ull * 1000 * 1000;
  if (__wasi_poll_oneoff(wanted, events, 2, &count) != 0) return 0;
  return count;
}

// Returns 0 at the end of stdin.
static int consume(void) {
  char buffer[64];
  ssize_t count = read(STDIN_FILENO, buffer, sizeof buffer);
  if (count <= 0) return 0;
  printf("stdin %.*s", (int)count, buffer);
  return 1;
}

int main(void) {
  __wasi_event_t events[2];
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (;;) {
    __wasi_size_t count = wait(events);
    if (count == 0) return 1;
    for (__wasi_size_t i = 0; i < count; i++) {
      if (events[i].error != 0) return 2;
      if (events[i].userdata == kTimeout) printf("timeout\n");
      if (events[i].userdata == kStdin && !consume()) {
        printf("end\n");
        return 0;
      }
    }
  }
}
