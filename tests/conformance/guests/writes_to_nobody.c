// SPDX-License-Identifier: Apache-2.0
// Writes until the reader of stdout is gone: the write answers EPIPE, and the guest goes on.
#include "say.h"

int main(void) {
  say("writing");
  for (;;) {
    int error = say("more");
    if (error == 0) {
      nap(kMs);
      continue;
    }
    say_to(2, "epipe %d", error == __WASI_ERRNO_PIPE);
    return 0;
  }
}
