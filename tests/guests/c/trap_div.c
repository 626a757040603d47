// SPDX-License-Identifier: Apache-2.0
// Divides by zero in a function with a name. A line is printed first: it must arrive.
#include <stdio.h>
#include <unistd.h>

__attribute__((noinline)) static int divide(int a, int b) {
  return a / b;
}

int main(int argc, char** argv) {
  (void)argv;
  write(STDOUT_FILENO, "before the trap\n", 16);
  volatile int zero = argc - argc;
  return divide(7, zero);
}
