// SPDX-License-Identifier: Apache-2.0
/* A C program on an installed weft. */
#include <stdio.h>
#include <weft.h>

static void first(void* argument) {
  puts(argument);
}

int main(void) {
  weft_scheduler* scheduler;
  char text[] = "a thread of weft";
  if (weft_create(NULL, &scheduler) != WEFT_OK) return 2;
  if (weft_newosproc(scheduler, first, text, NULL) != WEFT_OK) return 3;
  return weft_run(scheduler) == WEFT_OK ? 0 : 4;
}
