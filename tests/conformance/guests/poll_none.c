// SPDX-License-Identifier: Apache-2.0
// No subscriptions: EINVAL, and the count is left alone.
#include "say.h"

int main(void) {
  __wasi_subscription_t s = after(1, 0);
  __wasi_event_t event;
  __wasi_size_t count = 77;
  int error = __wasi_poll_oneoff(&s, &event, 0, &count);
  say("einval %d count %d", error == __WASI_ERRNO_INVAL, (int)count);
  return 0;
}
