// SPDX-License-Identifier: Apache-2.0
/* libdill on weft.h: every source of libdill and of its tests is compiled with this file before it.
 *
 * libdill decides which of its coroutines is next, and asks of the machine one thing: to stop one
 * and go on with another (dill_setjmp, dill_longjmp), or with a new one (dill_go_). Each coroutine
 * is a G here, and only the one that runs is not parked:
 *
 *   dill_wait: setjmp(a) ... longjmp(b)   weft_ready(b's G), and a's parks
 *   go(f(x))                              weft_go, and the parent parks; f(x) is a nested function
 *
 * Which G a coroutine is stands where its registers would: in its sigjmp_buf.
 */
#ifndef TESTS_LIBDILL_GLUE_H
#define TESTS_LIBDILL_GLUE_H

#include <libdill.h>

void weft_glue_stops(void* registers);
int weft_glue_goes_on(void* registers);
void weft_glue_starts(void* parent, void (*body)(void));
void weft_glue_ends(void);
struct pollfd;
int weft_glue_poll(struct pollfd* fds, unsigned long count, int timeout_ms);

#undef dill_setjmp
#undef dill_longjmp
#undef dill_go_
#define dill_setjmp(registers) (weft_glue_stops(&(registers)), 0)
#define dill_longjmp(registers) return weft_glue_goes_on(&(registers))
#define dill_go_(fn, ptr, len, bndl)                                                \
  __extension__({                                                                   \
    sigjmp_buf* dill_ctx__;                                                         \
    void* dill_stk__ = (ptr);                                                       \
    int dill_handle__ =                                                             \
        dill_prologue(&dill_ctx__, &dill_stk__, (len), (bndl), __FILE__, __LINE__); \
    void dill_body__(void) {                                                        \
      fn;                                                                           \
      weft_glue_ends();                                                             \
      dill_epilogue();                                                              \
    }                                                                               \
    if (dill_handle__ >= 0) weft_glue_starts(dill_ctx__, dill_body__);              \
    dill_handle__;                                                                  \
  })

#endif
