// SPDX-License-Identifier: Apache-2.0
// Two subscriptions for one descriptor, and 64 bits of userdata: both events come back whole.
#include "say.h"

int main(void) {
  __wasi_userdata_t high = 0xfedcba9876543210ull;
  __wasi_subscription_t in[2] = {on_write(high, 1), on_write(high + 1, 1)};
  __wasi_event_t out[2];
  int count = poll_events(in, out, 2);
  say("%d events, %llx %llx", count, out[0].userdata, out[1].userdata);
  return 0;
}
