// SPDX-License-Identifier: Apache-2.0
// Writes until the reader of stdout is gone: EPIPE is the errno of a write, not the guest's end.
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
