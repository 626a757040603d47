// SPDX-License-Identifier: Apache-2.0
/* The C ABI used wrongly, to its limits, and strictly: each is an error with a code and a text. */
#define _POSIX_C_SOURCE 200809L

#include <unistd.h>
#if !defined(__wasm__) /* Has no threads, and no limits. */
#include <pthread.h>
#include <sys/resource.h>
#endif

#include "tests/unit/capi/weft_c_test.h"

static void nothing(void* unused) {
  (void)unused;
}

#if !defined(__wasm__)
static void* off_thread(void* s) {
  ERR(weft_osyield(), WEFT_EOFFTHREAD);
  ERR(weft_run(s), WEFT_EOFFTHREAD);
  ERR(weft_go(s, nothing, NULL, NULL), WEFT_EOFFTHREAD);
  ERR(weft_destroy(s), WEFT_EOFFTHREAD);
  CHECK(strcmp(weft_last_error(), "this is not the thread that created the scheduler") == 0);
  CHECK(weft_nanotime() == 0 && weft_self_g() == NULL && weft_self_m() == NULL);
  return NULL;
}
#endif

static void uses_inside(void* s) {
  ERR(weft_run(s), WEFT_ERUNNING);
  ERR(weft_destroy(s), WEFT_ERUNNING);
  ERR(weft_park(), WEFT_ENOG);
  ERR(weft_lock_os_thread(), WEFT_ENOG);
#if !defined(__wasm__)
  pthread_t other;
  CHECK(pthread_create(&other, NULL, off_thread, s) == 0);
  pthread_join(other, NULL);
#endif
}

static void test_wrong_places(void) {
  weft_config config = {.abi_version = WEFT_ABI_VERSION + 1, .behaviour = 0, .seed = 0};
  weft_scheduler* s = NULL;
  ERR(weft_create(&config, &s), WEFT_EINVAL);
  config.abi_version = WEFT_ABI_VERSION;
  config.behaviour = 7;
  ERR(weft_create(&config, &s), WEFT_EINVAL);
  ERR(weft_create(NULL, NULL), WEFT_EINVAL);
  ERR(weft_run(NULL), WEFT_EINVAL);
  ERR(weft_osyield(), WEFT_EOFFTHREAD);
  ERR(weft_lock_acquire(NULL), WEFT_EINVAL);
  on_a_thread(uses_inside);
  CHECK(weft_abi_version() == WEFT_ABI_VERSION);
  CHECK(strcmp(weft_error_name(WEFT_EDEADLOCK), "WEFT_EDEADLOCK") == 0);
  CHECK(strcmp(weft_error_name(-1), "?") == 0);
}

static weft_lock lock;

static void ends_with_lock(void* unused) {
  (void)unused;
  OK(weft_lock_acquire(&lock));
}

static void test_a_thread_that_ends_with_a_lock(void) {
  weft_scheduler* s = fresh();
  OK(weft_newosproc(s, ends_with_lock, NULL, NULL));
  ERR(weft_run(s), WEFT_EHOLDSLOCKS);
  CHECK(strcmp(weft_message(s), "schedule: holding locks") == 0);
  OK(weft_destroy(s));
}

static void sleeps_for_ever(void* unused) {
  uint32_t zero = 0;
  (void)unused;
  weft_futex_wait(&zero, 0, -1);
  say("never");
}

static void parks_for_ever(void* unused) {
  (void)unused;
  weft_park();
  say("never");
}

/* Deadlock, with both kinds listed; then both are ended in the middle of C. */
static void test_deadlock_and_destroy(void) {
  weft_scheduler* s = fresh();
  OK(weft_newosproc(s, sleeps_for_ever, NULL, NULL));
  OK(weft_go(s, parks_for_ever, NULL, NULL));
  ERR(weft_run(s), WEFT_EDEADLOCK);
  CHECK(strstr(weft_message(s), "all goroutines are asleep - deadlock!") != NULL);
  CHECK(strstr(weft_message(s), "goroutine 1 [semacquire") != NULL);
  CHECK(strstr(weft_message(s), "M1: sleeping (futex sleep)") != NULL);
  OK(weft_destroy(s));
  CHECK(trace[0] == '\0');
}

static void test_thread_exhaustion(void) {
  weft_scheduler* s = fresh();
  int i;
  for (i = 1; i < 10000; ++i) OK(weft_newosproc(s, nothing, NULL, NULL));
  ERR(weft_newosproc(s, nothing, NULL, NULL), WEFT_ETHREADS);
  OK(weft_run(s));
  OK(weft_destroy(s));
}

static void stops(void* s) {
  OK(weft_stop(s));
  OK(weft_osyield());
  say("after");
}

static void test_stop_and_run_again(void) {
  weft_scheduler* s = fresh();
  OK(weft_go(s, stops, s, NULL));
  ERR(weft_run(s), WEFT_ESTOPPED);
  CHECK(trace[0] == '\0');
  OK(weft_run(s));
  CHECK(strcmp(trace, "after") == 0);
  OK(weft_destroy(s));
}

/* --- polling --- */

#if !defined(__wasm__)
enum { ENTRIES = 1100 };
#endif

/* More entries than RLIMIT_NOFILE, all of one pipe, and what is passed over. */
static void polls_oddly(void* unused) {
  weft_pollfd few[3] = {{-1, WEFT_POLL_READ, 7}, {0, 0, 7}, {INT32_MIN, WEFT_POLL_WRITE, 7}};
  (void)unused;
  ERR(weft_poll(few, 3, 1000, NULL), WEFT_ETIMEDOUT);
  CHECK(few[0].revents == 0 && few[1].revents == 0 && few[2].revents == 0);
  few[0].fd = 100000;
  ERR(weft_poll(few, 3, 1000, NULL), WEFT_EHOST);
  few[0].fd = -1;
  few[0].events = 8;
  ERR(weft_poll(few, 3, 1000, NULL), WEFT_EINVAL);

#if !defined(__wasm__)
  static weft_pollfd many[ENTRIES];
  struct rlimit before;
  struct rlimit low;
  size_t ready = 0;
  int fds[2];
  int i;
  CHECK(pipe(fds) == 0);
  for (i = 0; i < ENTRIES; ++i) {
    many[i].fd = fds[0];
    many[i].events = WEFT_POLL_READ;
  }
  CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
  low = before;
  low.rlim_cur = 100;
  CHECK(setrlimit(RLIMIT_NOFILE, &low) == 0);
  ERR(weft_poll(many, ENTRIES, 1000000, &ready), WEFT_ETIMEDOUT);
  CHECK(write(fds[1], "x", 1) == 1);
  OK(weft_poll(many, ENTRIES, -1, &ready));
  CHECK(ready == ENTRIES && many[ENTRIES - 1].revents == WEFT_POLL_READ);
  CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
  close(fds[0]);
  close(fds[1]);
#endif
}

static void test_poll_of_many_and_of_none(void) {
  const weft_config strict = {.abi_version = WEFT_ABI_VERSION, .behaviour = WEFT_STRICT, .seed = 0};
  const weft_config* configs[2] = {NULL, &strict};
  int i;
  for (i = 0; i < 2; ++i) {
    weft_scheduler* s = NULL;
    OK(weft_create(configs[i], &s));
    OK(weft_go(s, polls_oddly, NULL, NULL));
    OK(weft_run(s));
    OK(weft_destroy(s));
  }
}

static void polls_for_a_note(void* note) {
  ERR(weft_poll_note(NULL, 0, 1000, note, NULL), WEFT_ETIMEDOUT);
  weft_poll_note(NULL, 0, -1, note, NULL);
  say("never");
}

static void test_a_poll_of_a_note_alone_that_nobody_wakes_is_a_deadlock(void) {
  static weft_note note;
  weft_scheduler* s = fresh();
  OK(weft_go(s, polls_for_a_note, &note, NULL));
  ERR(weft_run(s), WEFT_EDEADLOCK);
  OK(weft_destroy(s));
  CHECK(trace[0] == '\0');
}

/* --- kills, and ends with the scheduler --- */

static weft_g* victim;

static void waits_for_a_time(void* unused) {
  (void)unused;
  say(weft_park_for(1000) == WEFT_ETIMEDOUT ? "slept" : "failed");
}

/* Without unwinding what it waits in would stay armed, and fire into a frame that is gone. */
static void kills_the_victim(void* unused) {
  (void)unused;
#if defined(__wasi__)
  ERR(weft_kill_g(victim), WEFT_ELACKS);
#else
  OK(weft_kill_g(victim));
#endif
  weft_kill_g(weft_self_g());
  say("never");
}

static void test_a_g_that_sleeps_is_killed_whole_or_not_at_all(void) {
  weft_scheduler* s = fresh();
  OK(weft_go(s, waits_for_a_time, NULL, &victim));
  OK(weft_go(s, kills_the_victim, NULL, NULL));
  OK(weft_run(s));
  OK(weft_destroy(s));
#if defined(__wasi__)
  CHECK(strcmp(trace, "slept") == 0);
#else
  CHECK(trace[0] == '\0');
#endif
}

static void ends(void* word) {
  say(word);
}

static void test_an_end_handler_comes_with_the_scheduler_whether_its_g_ran_or_not(void) {
  weft_g_options options = {.on_end = ends, .user = "ran"};
  weft_scheduler* s = fresh();
  OK(weft_go_with(s, parks_for_ever, NULL, &options, NULL));
  ERR(weft_run(s), WEFT_EDEADLOCK);
  OK(weft_destroy(s));
  CHECK(strcmp(trace, "ran") == 0);

  s = fresh();
  options.user = "did not";
  OK(weft_go_with(s, parks_for_ever, NULL, &options, NULL));
  OK(weft_destroy(s));
  CHECK(strcmp(trace, "did not") == 0);
}

/* --- strict --- */

static void asks_too_much(void* unused) {
  weft_note n = {{0}};
  (void)unused;
  ERR(weft_osyield(), WEFT_ELACKS);
  ERR(weft_osyield_no_g(), WEFT_ELACKS);
  ERR(weft_exit_thread(), WEFT_ELACKS);
  ERR(weft_note_sleep(&n, -1), WEFT_ELACKS);
  ERR(weft_futex_wake((const uint32_t*)&n, 1, NULL), WEFT_ELACKS);
  OK(weft_usleep(10));
  ERR(weft_note_sleep_g(&n, 1000), WEFT_ETIMEDOUT);
}

static void test_strict(void) {
  const weft_config config = {.abi_version = WEFT_ABI_VERSION, .behaviour = WEFT_STRICT, .seed = 0};
  char text[256];
  weft_scheduler* s = NULL;
  OK(weft_create(&config, &s));
  ERR(weft_newosproc(s, nothing, NULL, NULL), WEFT_ELACKS);
  CHECK(strcmp(weft_last_error(), "newosproc: not implemented") == 0);
  OK(weft_go(s, asks_too_much, NULL, NULL));
  OK(weft_run(s));
  CHECK(weft_lacking(s, text, sizeof text) == strlen(text));
  CHECK(strcmp(text,
               "osyield 1, osyield_no_g 1, exitThread 1, newosproc 1, notesleep 1, "
               "futexwakeup 1") == 0);
  CHECK(weft_lacking(s, text, 4) > 4 && strcmp(text, "osy") == 0);
  OK(weft_destroy(s));
}

static void draws(void* out) {
  OK(weft_random(out, 8));
}

static void test_a_seed_repeats(void) {
  const weft_config config = {.abi_version = WEFT_ABI_VERSION, .behaviour = 0, .seed = 7};
  unsigned char drawn[2][8];
  int i;
  for (i = 0; i < 2; ++i) {
    weft_scheduler* s = NULL;
    OK(weft_create(&config, &s));
    OK(weft_go(s, draws, drawn[i], NULL));
    OK(weft_run(s));
    OK(weft_destroy(s));
  }
  CHECK(memcmp(drawn[0], drawn[1], 8) == 0);
}

int main(void) {
  test_wrong_places();
  test_a_thread_that_ends_with_a_lock();
  test_deadlock_and_destroy();
  test_thread_exhaustion();
  test_stop_and_run_again();
  test_poll_of_many_and_of_none();
  test_a_poll_of_a_note_alone_that_nobody_wakes_is_a_deadlock();
  test_a_g_that_sleeps_is_killed_whole_or_not_at_all();
  test_an_end_handler_comes_with_the_scheduler_whether_its_g_ran_or_not();
  test_strict();
  test_a_seed_repeats();
  printf("%d checks held\n", checks);
  return 0;
}
