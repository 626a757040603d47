// SPDX-License-Identifier: Apache-2.0
// ticker NAME TICKS MS [stderr]: says its name and a number every MS milliseconds.
#include "say.h"

int main(int argc, char** argv) {
  if (argc < 4) return 64;
  for (int tick = 1; tick <= number_of(argv[2]); tick++) {
    nap((__wasi_timestamp_t)number_of(argv[3]) * kMs);
    say_to(argc > 4 ? 2 : 1, "%s%d", argv[1], tick);
  }
  return 0;
}
