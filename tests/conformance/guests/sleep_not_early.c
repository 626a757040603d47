// SPDX-License-Identifier: Apache-2.0
// Twenty sleeps of 1 to 20 ms: none returns before its time, on any clock, relative or absolute.
#include "say.h"

static int is_early(__wasi_clockid_t clock, int absolute, __wasi_timestamp_t timeout) {
  __wasi_timestamp_t start = now(clock);
  __wasi_subscription_t s = on_clock(1, clock, absolute ? start + timeout : timeout, absolute);
  __wasi_event_t event;
  poll_events(&s, &event, 1);
  return now(clock) < start + timeout;
}

int main(void) {
  int early = 0;
  for (__wasi_timestamp_t ms = 1; ms <= 20; ms++) {
    __wasi_clockid_t clock = ms % 2 != 0 ? __WASI_CLOCKID_MONOTONIC : __WASI_CLOCKID_REALTIME;
    early += is_early(clock, ms % 4 < 2, ms * kMs);
  }
  say("early %d", early);
  return 0;
}
