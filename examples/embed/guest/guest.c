// SPDX-License-Identifier: Apache-2.0
/* What the servers in examples/embed run for each connection: answers each line with its value. */
#include <stdio.h>
#include <string.h>

__attribute__((import_module("app"), import_name("lookup"))) unsigned lookup(const char* key,
                                                                             unsigned key_bytes,
                                                                             char* to,
                                                                             unsigned room);

int main(void) {
  char line[256];
  char value[512];
  while (fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    const unsigned size = lookup(line, (unsigned)strlen(line), value, sizeof value);
    printf("%.*s\n", (int)size, value);
    fflush(stdout);
  }
  return 0;
}
