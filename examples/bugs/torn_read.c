// SPDX-License-Identifier: Apache-2.0
// Planted bug: torn read. The writer stores a record as two files, one after the other; the reader
// takes both in between and finds halves of two records. Started as `torn_read write` and
// `torn_read read`.
// weft test --empty-dir /shared c_torn_read.wasm write ::: c_torn_read.wasm read
#include "shared_file.h"

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  if (strcmp(argv[1], "write") == 0) {
    for (int i = 1; i <= 3; i++) {
      write_number("/shared/left", i);
      write_number("/shared/right", i);
    }
    return 0;
  }
  return read_number("/shared/left") == read_number("/shared/right") ? 0 : 1;
}
