// SPDX-License-Identifier: Apache-2.0
/* A G whose locals grow over the end of its stack: the next switch must say so. */
#include <stdio.h>
#include <string.h>

#include "capi/weft.h"

static int deep(int left) {
  volatile char locals[4096];
  memset((char*)locals, left, sizeof locals);
  if (left == 0) {
    weft_osyield();
    return locals[0];
  }
  return deep(left - 1) + locals[left];
}

static void grows(void* unused) {
  (void)unused;
  printf("not noticed: %d\n", deep(17));
}

int main(void) {
  weft_scheduler* s = NULL;
  int i;
  if (weft_create(NULL, &s) != WEFT_OK) return 1;
  for (i = 0; i < 3; ++i) weft_go(s, grows, NULL, NULL);
  weft_run(s);
  return 0;
}
