// SPDX-License-Identifier: Apache-2.0
// A descriptor that is ready at once wins over a clock that is not due, and stays ready.
#include "say.h"

int main(void) {
  for (int round = 0; round < 3; round++) {
    __wasi_subscription_t in[2] = {after(2, 9000ull * kMs), on_read(1, 0)};
    __wasi_event_t out[2];
    int count = poll_events(in, out, 2);
    say("%d event, userdata %llu, error %d", count, out[0].userdata, out[0].error);
  }
  return 0;
}
