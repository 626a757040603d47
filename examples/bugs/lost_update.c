// SPDX-License-Identifier: Apache-2.0
// Planted bug: lost update. Each of two guests adds 1 to a number in a shared file, in two steps
// without a lock. The one that ends second finds 1 where 2 should be.
// weft test --empty-dir /shared c_lost_update.wasm ::: c_lost_update.wasm
#include "shared_file.h"

int main(void) {
  int number = read_number("/shared/number");
  write_number("/shared/number", number + 1);
  if (read_number("/shared/done") == 0) {
    write_number("/shared/done", 1);
    return 0;
  }
  return read_number("/shared/number") == 2 ? 0 : 1;
}
