// SPDX-License-Identifier: Apache-2.0
// A loop of bytecode with a switch, 60,000,000 instructions.
#include <stdio.h>

enum { PUSH, ADD, SUB, MUL, DUP, SWAP, JNZ, DROP, HALT };

int main(void) {
  // Counts down from 10,000,000 and multiplies on the way.
  static const int code[] = {PUSH, 1, PUSH, 10000000, SWAP, PUSH, 3,    MUL, SWAP,
                             PUSH, 1, SUB,  DUP,      JNZ,  4,    DROP, HALT};
  unsigned stack[16];
  unsigned* top = stack;
  for (const int* at = code;;) {
    switch (*at++) {
      case PUSH:
        *top++ = (unsigned)*at++;
        break;
      case ADD:
        top--;
        top[-1] += *top;
        break;
      case SUB:
        top--;
        top[-1] -= *top;
        break;
      case MUL:
        top--;
        top[-1] *= *top;
        break;
      case DUP:
        *top = top[-1];
        top++;
        break;
      case SWAP: {
        unsigned t = top[-1];
        top[-1] = top[-2];
        top[-2] = t;
        break;
      }
      case JNZ:
        at = *--top != 0 ? code + *at : at + 1;
        break;
      case DROP:
        top--;
        break;
      case HALT:
        printf("%u\n", top[-1]);
        return 0;
    }
  }
}
