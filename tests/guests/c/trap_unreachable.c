// SPDX-License-Identifier: Apache-2.0
// Runs into __builtin_trap, as abort() and failed assertions do.
__attribute__((noinline)) static void give_up(void) {
  __builtin_trap();
}

int main(void) {
  give_up();
  return 0;
}
