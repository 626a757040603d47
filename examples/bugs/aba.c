// SPDX-License-Identifier: Apache-2.0
// Planted bug: ABA. A guest takes the top of a stack of cells kept in files: it reads the top, then
// the cell below it, looks whether the top is still the same, and makes the lower cell the top.
// Meanwhile the other guest takes two cells and puts the first one back: same top, another stack. A
// cell that is in use becomes the top.
// weft test --empty-dir /shared c_aba.wasm pop ::: c_aba.wasm swap
#include "shared_file.h"

static void path_of(int cell, char* path) {
  sprintf(path, "/shared/below_%d", cell);
}

static int below(int cell) {
  char path[64];
  path_of(cell, path);
  return read_number(path);
}

static void set_below(int cell, int other) {
  char path[64];
  path_of(cell, path);
  write_number(path, other);
}

// 1 on 2 on 3. The first guest makes it.
static void make_stack(void) {
  if (!try_lock("/shared/made")) return;
  set_below(2, 3);
  set_below(1, 2);
  write_number("/shared/top", 1);
}

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  make_stack();
  int top = read_number("/shared/top");
  if (top == 0) return 0;  // Not made yet: nothing to do.
  if (strcmp(argv[1], "swap") == 0) {
    if (top != 1) return 0;
    write_number("/shared/top", 3);  // Takes 1 and 2, which is in use from now on,
    write_number("/shared/in_use", 2);
    set_below(1, 3);  // and puts 1 back.
    write_number("/shared/top", 1);
    return 0;
  }
  int next = below(top);
  if (read_number("/shared/top") != top) return 0;  // The other guest came first: gives up.
  write_number("/shared/top", next);
  return read_number("/shared/top") == read_number("/shared/in_use") && next == 2 ? 1 : 0;
}
