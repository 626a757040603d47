// SPDX-License-Identifier: Apache-2.0
// A descriptor that is not open is the error of its event, not of the call.
#include "say.h"

int main(void) {
  __wasi_subscription_t in[2] = {on_read(5, 99), after(6, 9000ull * kMs)};
  __wasi_event_t out[2];
  int count = poll_events(in, out, 2);
  say("%d event, userdata %llu, ebadf %d", count, out[0].userdata,
      out[0].error == __WASI_ERRNO_BADF);
  return 0;
}
