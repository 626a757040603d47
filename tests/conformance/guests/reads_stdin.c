// SPDX-License-Identifier: Apache-2.0
// reads_stdin NAME: reads stdin with calls that wait, and says what came, up to the end.
#include "say.h"

int main(int argc, char** argv) {
  char buffer[64];
  for (;;) {
    int got = 0;
    int error = read_some(0, buffer, sizeof buffer - 1, &got);
    if (error != 0) return error;
    if (got == 0) return say("%s end", argc > 1 ? argv[1] : "reader"), 0;
    buffer[got] = 0;
    buffer[strcspn(buffer, "\n")] = 0;
    say("%s got %s", argc > 1 ? argv[1] : "reader", buffer);
  }
}
