// SPDX-License-Identifier: Apache-2.0
// Of three clocks the one that is due first ends the wait, at any place in the list.
#include "say.h"

static void poll_three(__wasi_timestamp_t a, __wasi_timestamp_t b, __wasi_timestamp_t c) {
  __wasi_subscription_t in[3] = {after(1, a * kMs), after(2, b * kMs), after(3, c * kMs)};
  __wasi_event_t out[3];
  int count = poll_events(in, out, 3);
  say("%d event, userdata %llu, type %d, error %d", count, out[0].userdata, out[0].type,
      out[0].error);
}

int main(void) {
  poll_three(20, 5000, 9000);
  poll_three(9000, 20, 5000);
  poll_three(5000, 9000, 20);
  return 0;
}
