// SPDX-License-Identifier: Apache-2.0
/* What the C tests of weft.h share: checks that say where they failed, a trace, a fresh scheduler.
 * Each test program is one file, so everything here is static.
 */
#ifndef TESTS_UNIT_CAPI_WEFT_C_TEST_H
#define TESTS_UNIT_CAPI_WEFT_C_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capi/weft.h"

static int checks;

static void check_at(int line, int holds, const char* what) {
  ++checks;
  if (holds) return;
  fprintf(stderr, "%s:%d: not so: %s (last error: %s)\n", __FILE__, line, what, weft_last_error());
  exit(1);
}

#define CHECK(condition) check_at(__LINE__, (condition) != 0, #condition)
#define OK(call) check_at(__LINE__, (call) == WEFT_OK, #call " is WEFT_OK")
#define ERR(call, code) check_at(__LINE__, (call) == (code), #call " is " #code)

static char trace[256];

static void say(const char* word) {
  if (trace[0] != '\0') strncat(trace, " ", sizeof trace - strlen(trace) - 1);
  strncat(trace, word, sizeof trace - strlen(trace) - 1);
}

static weft_scheduler* fresh(void) {
  weft_scheduler* s = NULL;
  OK(weft_create(NULL, &s));
  trace[0] = '\0';
  return s;
}

/* Runs start on a thread of a fresh scheduler, to the end. */
static void on_a_thread(weft_start start) {
  weft_scheduler* s = fresh();
  OK(weft_newosproc(s, start, s, NULL));
  OK(weft_run(s));
  OK(weft_destroy(s));
}

#endif
