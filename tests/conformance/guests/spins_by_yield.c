// SPDX-License-Identifier: Apache-2.0
// Gives way without a pause for 300 ms, then says so.
#include "say.h"

int main(void) {
  __wasi_timestamp_t end = now_monotonic() + 300 * kMs;
  while (now_monotonic() < end) __wasi_sched_yield();
  say("spun");
  return 0;
}
