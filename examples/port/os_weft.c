// SPDX-License-Identifier: Apache-2.0
/* The floor of the runtime on weft: all threads are Ms on the one thread that calls os_run.
 *
 * Each function is one call of capi/weft.h. Strict, some of them answer WEFT_ELACKS. A runtime with
 * one thread needs no yield, and never sleeps on a note while there is work: so those errors are
 * ignored. Any other error is a bug and ends the program.
 */
#include <stdio.h>
#include <stdlib.h>

#include "capi/weft.h"
#include "examples/port/runtime_os.h"

_Static_assert(sizeof(weft_lock) <= sizeof(os_lock), "a lock has room for weft's");
_Static_assert(sizeof(weft_note) <= sizeof(os_note), "a note has room for weft's");

static weft_scheduler* scheduler;

static void must(int error) {
  if (error == WEFT_OK || error == WEFT_ELACKS) return;
  fprintf(stderr, "%s: %s\n", weft_error_name(error), weft_last_error());
  abort();
}

int os_run(int strict, void (*first)(void* argument), void* argument) {
  const weft_config config = {.abi_version = WEFT_ABI_VERSION,
                              .behaviour = strict ? WEFT_STRICT : WEFT_EMULATED,
                              .seed = 0};
  char lacking[256];
  int error = weft_create(&config, &scheduler);
  if (error != WEFT_OK) {
    fprintf(stderr, "%s\n", weft_last_error());
    return 1;
  }
  /* On a G, because a wasm target has only the first thread, and so has strict.
   */
  must(weft_go(scheduler, first, argument, NULL));
  error = weft_run(scheduler);
  if (error != WEFT_OK) fprintf(stderr, "%s\n", weft_message(scheduler));
  if (strict && weft_lacking(scheduler, lacking, sizeof lacking) > 0) {
    fprintf(stderr, "a wasm target lacks: %s\n", lacking);
  }
  must(weft_destroy(scheduler));
  return error != WEFT_OK;
}

int os_newosproc(void (*start)(void* argument), void* argument) {
  return weft_newosproc(scheduler, start, argument, NULL) != WEFT_OK;
}

void os_yield(void) {
  must(weft_osyield_no_g());
}

void os_usleep(uint32_t microseconds) {
  must(weft_usleep_no_g(microseconds));
}

void os_lock_acquire(os_lock* lock) {
  must(weft_lock_acquire((weft_lock*)lock));
}

void os_lock_release(os_lock* lock) {
  must(weft_lock_release((weft_lock*)lock));
}

void os_note_clear(os_note* note) {
  must(weft_note_clear((weft_note*)note));
}

void os_note_sleep(os_note* note) {
  must(weft_note_sleep((weft_note*)note, -1));
}

void os_note_wake(os_note* note) {
  must(weft_note_wake((weft_note*)note));
}

int64_t os_nanotime(void) {
  return weft_nanotime();
}

void os_random(void* buffer, size_t bytes) {
  must(weft_random(buffer, bytes));
}
