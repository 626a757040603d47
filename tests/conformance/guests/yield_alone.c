// SPDX-License-Identifier: Apache-2.0
// Yields 10,000 times while no other guest can run.
#include "say.h"

int main(void) {
  for (int round = 0; round < 10000; round++) {
    if (__wasi_sched_yield() != 0) return 1;
  }
  say("went on");
  return 0;
}
