// SPDX-License-Identifier: Apache-2.0
// Reads far beyond the end of its memory.
__attribute__((noinline)) static int read_at(const volatile int* address) {
  return *address;
}

int main(void) {
  return read_at((const volatile int*)0xfffffff0u);
}
