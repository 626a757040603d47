// SPDX-License-Identifier: Apache-2.0
/* The machine that tests/libdill/glue.inc gives to libdill, on weft.h. The program's own main runs
 * on a G, too.
 */
#include <ctx.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef __wasm__
#include <sys/resource.h>
#else
#include <sys/mman.h>
#endif

#include "capi/weft.h"

static weft_scheduler* scheduler;
static void* stopping;
static int ending;

static void must(int code, const char* what) {
  if (code == WEFT_OK) return;
  fprintf(stderr, "libdill on weft: %s: %s: %s\n", what, weft_error_name(code), weft_last_error());
  exit(1);
}

void weft_glue_stops(void* registers) {
  stopping = registers;
}

void weft_glue_ends(void) {
  ending = 1;
}

/* What dill_wait does when its coroutine goes on. */
static int resumed(void) {
  struct dill_ctx_cr* ctx = &dill_getctx->cr;
  dill_slist_init(&ctx->r->clauses);
  errno = ctx->r->err;
  return ctx->r->id;
}

int weft_glue_goes_on(void* registers) {
  const int ends = ending;
  ending = 0;
  if (ends) {
    must(weft_ready(*(weft_g**)registers), "weft_ready");
    return 0; /* From dill_wait, the epilogue and the body: that G has ended. */
  }
  if (registers != stopping) {
    *(weft_g**)stopping = weft_self_g();
    must(weft_ready(*(weft_g**)registers), "weft_ready");
    must(weft_park(), "weft_park");
  }
  return resumed();
}

struct body {
  void (*calls)(void*);
  void* closure;
};

/* The parent is parked until the body has evaluated f(x), and its frame with it. */
static void runs_body(void* given) {
  const struct body* body = given;
  body->calls(body->closure);
}

#ifndef __wasm__
/* A nested function is called through a piece of code that lies in its parent's frame. */
static void make_executable(void) {
  static void* last = NULL;
  void* low = NULL;
  void* high = NULL;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  must(weft_stack_bounds(&low, &high), "weft_stack_bounds");
  if (low == last) return;
  last = low;
  high = (void*)(((size_t)high + page - 1) & ~(page - 1));
  if (mprotect(low, (size_t)((char*)high - (char*)low), PROT_READ | PROT_WRITE | PROT_EXEC) != 0) {
    perror("libdill on weft: mprotect");
    exit(1);
  }
}
#endif

void weft_glue_starts(void* parent, void (*calls)(void*), void* closure) {
  struct body body = {calls, closure};
#ifndef __wasm__
  if (closure == NULL) make_executable();
#endif
  *(weft_g**)parent = weft_self_g();
  must(weft_go(scheduler, runs_body, &body, NULL), "weft_go");
  must(weft_park(), "weft_park");
}

/* poll(2) for pollset.c: no coroutine can go on meanwhile, so libdill lets the thread wait. */
int weft_glue_poll(struct pollfd* fds, unsigned long count, int timeout_ms) {
  weft_pollfd* asked = calloc(count + 1, sizeof *asked);
  size_t ready = 0;
  unsigned long i;
  int code;
  if (asked == NULL) return -1;
  for (i = 0; i < count; ++i) {
    asked[i].fd = fds[i].fd;
    asked[i].events = (int16_t)(((fds[i].events & POLLIN) != 0 ? WEFT_POLL_READ : 0) |
                                ((fds[i].events & POLLOUT) != 0 ? WEFT_POLL_WRITE : 0));
  }
  code = weft_poll(asked, count, timeout_ms < 0 ? -1 : (int64_t)timeout_ms * 1000000, &ready);
  for (i = 0; i < count; ++i) {
    fds[i].revents = (short)(((asked[i].revents & WEFT_POLL_READ) != 0 ? POLLIN : 0) |
                             ((asked[i].revents & WEFT_POLL_WRITE) != 0 ? POLLOUT : 0) |
                             ((asked[i].revents & WEFT_POLL_HANGUP) != 0 ? POLLHUP : 0));
  }
  free(asked);
  if (code == WEFT_ETIMEDOUT) return 0;
  if (code == WEFT_OK) return (int)ready;
  errno = EBADF;
  return -1;
}

/* alarm(2), for a target without signals: ends the program as SIGALRM does. */
static void rings(void* seconds) {
  must(weft_usleep((uint32_t)(size_t)seconds * 1000000), "weft_usleep");
  exit(128 + 14);
}

unsigned weft_glue_alarm(unsigned seconds) {
  must(weft_go(scheduler, rings, (void*)(size_t)seconds, NULL), "weft_go");
  return 0;
}

#ifdef __wasm__
/* How many descriptors there may be: libdill sets memory aside for each. */
int getrlimit(int what, struct rlimit* limit) {
  (void)what;
  limit->rlim_cur = limit->rlim_max = 64;
  return 0;
}
#endif

int weft_glue_main(int argc, char** argv);

struct words {
  int count;
  char** all;
};

static void runs_main(void* given) {
  const struct words* words = given;
  exit(weft_glue_main(words->count, words->all));
}

#undef main
int main(int argc, char** argv) {
  struct words words = {argc, argv};
  must(weft_create(NULL, &scheduler), "weft_create");
  must(weft_go(scheduler, runs_main, &words, NULL), "weft_go");
  must(weft_run(scheduler), "weft_run");
  return 1;
}
