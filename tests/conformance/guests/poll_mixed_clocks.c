// SPDX-License-Identifier: Apache-2.0
// Realtime and monotonic, absolute and relative, in one call: the nearest wins.
#include "say.h"

int main(void) {
  for (int nearest = 0; nearest < 4; nearest++) {
    __wasi_timestamp_t ms[4] = {9000, 9000, 9000, 9000};
    ms[nearest] = 20;
    __wasi_timestamp_t mono = now_monotonic();
    __wasi_timestamp_t real = now(__WASI_CLOCKID_REALTIME);
    __wasi_subscription_t in[4] = {
        on_clock(0, __WASI_CLOCKID_MONOTONIC, ms[0] * kMs, 0),
        on_clock(1, __WASI_CLOCKID_REALTIME, ms[1] * kMs, 0),
        on_clock(2, __WASI_CLOCKID_MONOTONIC, mono + ms[2] * kMs, 1),
        on_clock(3, __WASI_CLOCKID_REALTIME, real + ms[3] * kMs, 1),
    };
    __wasi_event_t out[4];
    int count = poll_events(in, out, 4);
    say("%d event, userdata %llu", count, out[0].userdata);
  }
  return 0;
}
