// SPDX-License-Identifier: Apache-2.0
// Polls a clock with a timeout of zero without a pause for 300 ms, then says so.
#include "say.h"

int main(void) {
  __wasi_timestamp_t end = now_monotonic() + 300 * kMs;
  while (now_monotonic() < end) nap(0);
  say("spun");
  return 0;
}
