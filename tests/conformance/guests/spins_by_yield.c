// SPDX-License-Identifier: Apache-2.0
// spins_by_yield MS: gives way without a pause for so long, then says so.
#include "say.h"

int main(int argc, char** argv) {
  if (argc < 2) return 64;
  __wasi_timestamp_t end = now_monotonic() + (__wasi_timestamp_t)number_of(argv[1]) * kMs;
  while (now_monotonic() < end) __wasi_sched_yield();
  say("spun");
  return 0;
}
