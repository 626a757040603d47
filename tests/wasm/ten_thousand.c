// SPDX-License-Identifier: Apache-2.0
/* Weft in weft: a guest that is weft's scheduler with 10,000 Gs. Each passes a number on to the
 * next through a channel, and yields on the way; the last one prints what has come.
 */
#include <stdint.h>
#include <stdio.h>

#include "capi/weft.h"

enum { GS = 10000 };

static weft_chan* chans[GS + 1];

static void passes_on(void* number) {
  const intptr_t me = (intptr_t)number;
  void* got = NULL;
  weft_osyield();
  if (weft_chan_recv(chans[me], &got) != WEFT_OK) return;
  weft_osyield();
  weft_chan_send(chans[me + 1], (void*)((intptr_t)got + 1));
}

static void starts(void* unused) {
  void* got = NULL;
  (void)unused;
  weft_chan_send(chans[0], (void*)1);
  if (weft_chan_recv(chans[GS], &got) == WEFT_OK) {
    printf("%d Gs have passed it on\n", (int)(intptr_t)got - 1);
  }
}

int main(void) {
  weft_scheduler* s = NULL;
  int i;
  if (weft_create(NULL, &s) != WEFT_OK) return 1;
  for (i = 0; i <= GS; ++i) {
    if (weft_chan_make(0, &chans[i]) != WEFT_OK) return 1;
  }
  for (i = GS - 1; i >= 0; --i) {
    if (weft_go(s, passes_on, (void*)(intptr_t)i, NULL) != WEFT_OK) {
      fprintf(stderr, "%s\n", weft_last_error());
      return 1;
    }
  }
  if (weft_go(s, starts, NULL, NULL) != WEFT_OK) return 1;
  if (weft_run(s) != WEFT_OK) {
    fputs(weft_message(s), stderr);
    return 1;
  }
  return weft_destroy(s);
}
