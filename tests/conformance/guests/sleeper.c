// SPDX-License-Identifier: Apache-2.0
// sleeper NAME MS: sleeps that long once, then says its name.
#include "say.h"

int main(int argc, char** argv) {
  if (argc < 3) return 64;
  nap((__wasi_timestamp_t)number_of(argv[2]) * kMs);
  say("%s", argv[1]);
  return 0;
}
