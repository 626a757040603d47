// SPDX-License-Identifier: Apache-2.0
// Polls stdin with a clock of zero beside it, without a pause, until something is there.
#include "say.h"

int main(void) {
  say("polling");
  for (;;) {
    __wasi_subscription_t in[2] = {on_read(1, 0), after(2, 0)};
    __wasi_event_t out[2];
    int count = poll_events(in, out, 2);
    for (int i = 0; i < count; i++) {
      if (out[i].userdata == 1) return say("seen"), 0;
    }
  }
}
