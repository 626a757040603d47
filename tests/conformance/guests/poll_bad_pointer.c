// SPDX-License-Identifier: Apache-2.0
// Subscriptions, events or the count outside of memory: EFAULT.
#include "say.h"

int main(void) {
  __wasi_subscription_t in = after(1, 0);
  __wasi_event_t out;
  __wasi_size_t count;
  void* outside = (void*)0xfffffff0u;
  say("efault %d %d %d", __wasi_poll_oneoff(outside, &out, 1, &count) == __WASI_ERRNO_FAULT,
      __wasi_poll_oneoff(&in, outside, 1, &count) == __WASI_ERRNO_FAULT,
      __wasi_poll_oneoff(&in, &out, 1, outside) == __WASI_ERRNO_FAULT);
  return 0;
}
