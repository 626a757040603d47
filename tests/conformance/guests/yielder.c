// SPDX-License-Identifier: Apache-2.0
// yielder NAME ROUNDS: says its name and the round, gives way, and so on.
#include "say.h"

int main(int argc, char** argv) {
  if (argc < 3) return 64;
  for (int round = 1; round <= number_of(argv[2]); round++) {
    say("%s%d", argv[1], round);
    if (__wasi_sched_yield() != 0) return 1;
  }
  return 0;
}
