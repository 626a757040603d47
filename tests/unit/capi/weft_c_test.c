// SPDX-License-Identifier: Apache-2.0
/* The C ABI from C11: each function does what weft.h says. Prints the check that failed and ends
 * with 1; built against the shared and the static library.
 */
#define _POSIX_C_SOURCE 200809L

#include "tests/unit/capi/weft_c_test.h"

#include <unistd.h>
#if !defined(__wasm__) /* Has no signals and, on WASI, no pipes. */
#include <signal.h>
#endif

/* --- threads and Gs --- */

static void yields(void* name) {
  say(name);
  OK(weft_osyield());
  say(name);
  OK(weft_osyield_no_g());
  say(name);
}

static void test_threads_and_gs_take_turns(void) {
  weft_scheduler* s = fresh();
  OK(weft_newosproc(s, yields, "a", NULL));
  OK(weft_newosproc(s, yields, "b", NULL));
  OK(weft_go(s, yields, "g", NULL));
  OK(weft_run(s));
  CHECK(strlen(trace) == 17);
  OK(weft_destroy(s));
}

static weft_g* parked;

static void parks(void* unused) {
  (void)unused;
  parked = weft_self_g();
  CHECK(parked != NULL && weft_self_m() != NULL);
  OK(weft_park());
  say("ready");
}

static void readies(void* unused) {
  (void)unused;
  OK(weft_usleep(1000));
  OK(weft_ready(parked));
  ERR(weft_ready(parked), WEFT_ENOTPARKED);
  ERR(weft_ready(NULL), WEFT_EINVAL);
  say("readied");
}

static void test_park_and_ready(void) {
  weft_scheduler* s = fresh();
  OK(weft_go(s, parks, NULL, NULL));
  OK(weft_go(s, readies, NULL, NULL));
  OK(weft_run(s));
  CHECK(strcmp(trace, "readied ready") == 0);
  OK(weft_destroy(s));
}

static void leaves(void* unused) {
  (void)unused;
  say("leaves");
  weft_exit_thread();
  say("never");
}

static void locks_thread(void* unused) {
  (void)unused;
  weft_m* mine = weft_self_m();
  OK(weft_lock_os_thread());
  OK(weft_usleep(100));
  CHECK(weft_self_m() == mine);
  OK(weft_unlock_os_thread());
}

static void test_the_end_of_threads(void) {
  weft_scheduler* s = fresh();
  OK(weft_newosproc(s, leaves, NULL, NULL));
  OK(weft_go(s, leaves, NULL, NULL));
  OK(weft_go(s, locks_thread, NULL, NULL));
  OK(weft_run(s));
  CHECK(strcmp(trace, "leaves leaves") == 0);
  OK(weft_destroy(s));
}

static weft_m* preempted;
static volatile int stop_spinning;

static void handler(int sig) {
  (void)sig;
  weft_preempt(preempted);
}

static void spins(void* unused) {
  (void)unused;
  preempted = weft_self_m();
#if defined(__wasm__)
  handler(0);
#else
  raise(SIGUSR1);
#endif
  while (!stop_spinning) OK(weft_checkpoint());
}

static void stops_spinning(void* unused) {
  (void)unused;
  stop_spinning = 1;
}

static void test_preempt_from_a_signal_handler(void) {
  weft_scheduler* s = fresh();
#if !defined(__wasm__)
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  sigaction(SIGUSR1, &action, NULL);
#endif
  OK(weft_go(s, spins, NULL, NULL));
  OK(weft_go(s, stops_spinning, NULL, NULL));
  OK(weft_run(s));
  ERR(weft_preempt(NULL), WEFT_EINVAL);
  OK(weft_destroy(s));
}

/* --- locks, notes, futexes, semaphores --- */

static weft_lock lock;
static weft_note note;
static uint32_t word;
static weft_m* sema_thread;

static void holds(void* unused) {
  (void)unused;
  OK(weft_lock_acquire(&lock));
  ERR(weft_lock_acquire(&lock), WEFT_ESELFDEADLOCK);
  ERR(weft_exit_thread(), WEFT_EHOLDSLOCKS);
  OK(weft_usleep_no_g(1000));
  OK(weft_lock_release(&lock));
  ERR(weft_lock_release(&lock), WEFT_EUNLOCKED);
}

static void waits_for_lock(void* unused) {
  (void)unused;
  ERR(weft_lock_release(&lock), WEFT_EUNLOCKED);
  OK(weft_lock_acquire(&lock));
  OK(weft_lock_release(&lock));
}

static void test_locks(void) {
  weft_scheduler* s = fresh();
  OK(weft_newosproc(s, holds, NULL, NULL));
  OK(weft_newosproc(s, waits_for_lock, NULL, NULL));
  OK(weft_run(s));
  OK(weft_destroy(s));
}

/* How many of the waits with a time have passed: a machine may stall between any two lines. */
static int timed_out;

static void sleeps(void* unused) {
  (void)unused;
  timed_out = 0;
  OK(weft_note_clear(&note));
  ERR(weft_note_sleep(&note, 1000), WEFT_ETIMEDOUT);
  OK(weft_note_sleep(&note, -1));
  say("note");
  ERR(weft_futex_wait(&word, 0, 1000), WEFT_ETIMEDOUT);
  timed_out = 1;
  OK(weft_futex_wait(&word, 1, -1));
  OK(weft_futex_wait(&word, 0, -1));
  say("futex");
  sema_thread = weft_self_m();
  ERR(weft_sema_sleep(1000), WEFT_ETIMEDOUT);
  timed_out = 2;
  OK(weft_sema_sleep(-1));
  say("sema");
  ERR(weft_note_sleep_g(&note, 0), WEFT_ENOG);
}

static void wakes(void* unused) {
  uint32_t woken = 0;
  (void)unused;
  OK(weft_usleep(3000));
  ERR(weft_note_sleep(&note, -1), WEFT_EBUSYNOTE);
  OK(weft_note_wake(&note));
  ERR(weft_note_wake(&note), WEFT_EDOUBLEWAKE);
  while (timed_out < 1) OK(weft_usleep(1000));
  while (woken == 0) {
    OK(weft_usleep(1000));
    OK(weft_futex_wake(&word, 9, &woken));
  }
  CHECK(woken == 1);
  while (timed_out < 2) OK(weft_usleep(1000));
  OK(weft_sema_wake(sema_thread));
}

static void test_sleeping_and_waking(void) {
  weft_scheduler* s = fresh();
  OK(weft_newosproc(s, sleeps, NULL, NULL));
  OK(weft_newosproc(s, wakes, NULL, NULL));
  OK(weft_run(s));
  CHECK(strcmp(trace, "note futex sema") == 0);
  OK(weft_destroy(s));
}

/* --- the host --- */

static void asks_host(void* unused) {
  int64_t seconds = 0;
  int32_t nanoseconds = -1;
  unsigned char bytes[32] = {0};
  unsigned char none[32] = {0};
  const int64_t before = weft_nanotime();
  (void)unused;
  OK(weft_usleep(1000));
  CHECK(weft_nanotime() - before >= 1000000);
  OK(weft_walltime(&seconds, &nanoseconds));
  CHECK(seconds > 1700000000 && nanoseconds >= 0 && nanoseconds < 1000000000);
  OK(weft_random(bytes, sizeof bytes));
  CHECK(memcmp(bytes, none, sizeof bytes) != 0);
}

#if defined(__wasm__)
static void polls(void* unused) {
  weft_pollfd fds[2] = {{.fd = 1, .events = WEFT_POLL_WRITE, .revents = 0},
                        {.fd = -1, .events = WEFT_POLL_READ, .revents = 7}};
  size_t ready = 0;
  (void)unused;
  OK(weft_poll(fds, 2, -1, &ready));
  CHECK(ready == 1 && (fds[0].revents & WEFT_POLL_WRITE) != 0 && fds[1].revents == 0);
  ERR(weft_poll(fds + 1, 1, 1000, &ready), WEFT_ETIMEDOUT);
  fds[0].fd = 12345;
  ERR(weft_poll(fds, 1, -1, NULL), WEFT_EHOST);
}

static void test_the_host(void) {
  weft_scheduler* s = fresh();
  on_a_thread(asks_host);
  on_a_thread(polls);
  OK(weft_go(s, polls, NULL, NULL));
  OK(weft_run(s));
  OK(weft_destroy(s));
}
#else
static int pipe_fds[2];

static void polls(void* unused) {
  weft_pollfd fd = {.fd = pipe_fds[0], .events = WEFT_POLL_READ, .revents = 0};
  size_t ready = 0;
  (void)unused;
  ERR(weft_poll(&fd, 1, 1000, &ready), WEFT_ETIMEDOUT);
  OK(weft_poll(&fd, 1, -1, &ready));
  CHECK(ready == 1 && fd.revents == WEFT_POLL_READ);
  say("polled");
  fd.fd = 12345;
  ERR(weft_poll(&fd, 1, -1, NULL), WEFT_EHOST);
}

static void writes(void* unused) {
  (void)unused;
  OK(weft_usleep(5000));
  say("writes");
  CHECK(write(pipe_fds[1], "xx", 2) == 2);
}

static void test_the_host(void) {
  int i;
  on_a_thread(asks_host);
  for (i = 0; i < 2; ++i) { /* On a thread, then on a G. */
    weft_scheduler* s = fresh();
    CHECK(pipe(pipe_fds) == 0);
    if (i == 0) OK(weft_newosproc(s, polls, NULL, NULL));
    if (i == 1) OK(weft_go(s, polls, NULL, NULL));
    OK(weft_go(s, writes, NULL, NULL));
    OK(weft_run(s));
    CHECK(strcmp(trace, "writes polled") == 0);
    OK(weft_destroy(s));
    close(pipe_fds[0]);
    close(pipe_fds[1]);
  }
}

#endif

/* --- a loop of your own, and the stack --- */

static void knows_its_stack(void* unused) {
  const char* const here = __builtin_frame_address(0);
  void* low = NULL;
  void* high = NULL;
  (void)unused;
  ERR(weft_stack_bounds(NULL, &high), WEFT_EINVAL);
  OK(weft_stack_bounds(&low, &high));
  CHECK((char*)low < here && here < (char*)high);
  CHECK((char*)high - (char*)low > 16 * 1024);
}

static void test_the_bounds_of_a_stack(void) {
  weft_scheduler* s = fresh();
  OK(weft_newosproc(s, knows_its_stack, NULL, NULL));
  OK(weft_go(s, knows_its_stack, NULL, NULL));
  OK(weft_run(s));
  ERR(weft_stack_bounds(NULL, NULL), WEFT_EINVAL);
  OK(weft_destroy(s));
}

static void turns(void* s) {
  int i;
  ERR(weft_turn(s, NULL), WEFT_ERUNNING);
  for (i = 0; i < 1000; ++i) OK(weft_osyield());
  OK(weft_usleep(2000));
  say("slept");
}

static void test_turns_of_a_loop(void) {
  weft_scheduler* s = fresh();
  int64_t wait = -2;
  int again = 0;
  int code;
  ERR(weft_turn(NULL, NULL), WEFT_EINVAL);
  OK(weft_turn(s, &wait));
  OK(weft_go(s, turns, s, NULL));
  OK(weft_go(s, turns, s, NULL));
  while ((code = weft_turn(s, &wait)) == WEFT_EAGAIN) {
    CHECK(wait >= 0 && wait <= 2000000);
    if (wait == 0) ++again;
  }
  CHECK(code == WEFT_OK && again >= 10);
  CHECK(strcmp(trace, "slept slept") == 0);
  OK(weft_go(s, parks, NULL, NULL));
  while ((code = weft_turn(s, &wait)) == WEFT_EAGAIN) CHECK(wait == 0);
  CHECK(code == WEFT_EDEADLOCK);
  OK(weft_destroy(s));
}

int main(void) {
  test_the_bounds_of_a_stack();
  test_turns_of_a_loop();
  test_threads_and_gs_take_turns();
  test_park_and_ready();
  test_the_end_of_threads();
  test_preempt_from_a_signal_handler();
  test_locks();
  test_sleeping_and_waking();
  test_the_host();
  printf("%d checks held\n", checks);
  return 0;
}
