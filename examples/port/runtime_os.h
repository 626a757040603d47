// SPDX-License-Identifier: Apache-2.0
/* What the example runtime needs from an operating system: eleven functions, and no more. The two
 * files that implement them are os_pthread.c, on real threads, and os_weft.c, on capi/weft.h and
 * one thread. Nothing else in this folder knows which of them it runs on.
 */
#ifndef EXAMPLES_PORT_RUNTIME_OS_H
#define EXAMPLES_PORT_RUNTIME_OS_H

#include <stddef.h>
#include <stdint.h>

/* Both are valid when all their bytes are zero. */
typedef struct os_lock {
  uintptr_t opaque[8];
} os_lock;
typedef struct os_note {
  uintptr_t opaque[16];
} os_note;

/* Runs first(argument) on the first thread; returns when all threads have ended. Returns 0, or 1
 * after it has said what failed. strict: as on a wasm target; says at the end what such a target
 * lacks of what was called. */
int os_run(int strict, void (*first)(void* argument), void* argument);

/* Returns 0, or 1 when no more threads can be made. */
int os_newosproc(void (*start)(void* argument), void* argument);
/* Lets other threads run. */
void os_yield(void);
void os_usleep(uint32_t microseconds);

void os_lock_acquire(os_lock* lock);
void os_lock_release(os_lock* lock);

/* A note is woken once between two clears; one thread may sleep on it. */
void os_note_clear(os_note* note);
void os_note_sleep(os_note* note);
void os_note_wake(os_note* note);

int64_t os_nanotime(void);
void os_random(void* buffer, size_t bytes);

#endif
