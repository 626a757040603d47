// SPDX-License-Identifier: Apache-2.0
// A thousand clocks in one call, the 501st due long before the others.
#include "say.h"

enum { kCount = 1000 };

int main(void) {
  static __wasi_subscription_t in[kCount];
  static __wasi_event_t out[kCount];
  for (int i = 0; i < kCount; i++) {
    in[i] = after((__wasi_userdata_t)i, (i == 500 ? 20ull : 60000ull) * kMs);
  }
  int count = poll_events(in, out, kCount);
  say("%d event, userdata %llu", count, out[0].userdata);
  return 0;
}
