// SPDX-License-Identifier: Apache-2.0
// Planted bug: lock order. Two guests take the same two locks, each in its own order, and wait for
// the second while they hold the first. Started as `lock_order a b` and `lock_order b a`.
// weft test --empty-dir /shared c_lock_order.wasm a b ::: c_lock_order.wasm b a
#include <time.h>

#include "shared_file.h"

static void lock(const char* name) {
  char path[64];
  snprintf(path, sizeof path, "/shared/%s", name);
  for (int tries = 0; !try_lock(path); tries++) {
    if (tries == 100) exit(3);  // After a second: the other guest never gives it back.
    struct timespec pause = {.tv_sec = 0, .tv_nsec = 10 * 1000 * 1000};
    nanosleep(&pause, NULL);
  }
}

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  lock(argv[1]);
  lock(argv[2]);
  char path[64];
  for (int i = 1; i <= 2; i++) {
    snprintf(path, sizeof path, "/shared/%s", argv[i]);
    unlock(path);
  }
  return 0;
}
