// SPDX-License-Identifier: Apache-2.0
// exits CODE: leaves by proc_exit from within calls; output before it arrives, none comes after it.
#include "say.h"

static void leave(int code, int depth) {
  if (depth == 0) __wasi_proc_exit((__wasi_exitcode_t)code);
  leave(code, depth - 1);
  say("not reached");
}

int main(int argc, char** argv) {
  say("leaving");
  leave(argc > 1 ? number_of(argv[1]) : 0, 10);
  say("not reached");
}
