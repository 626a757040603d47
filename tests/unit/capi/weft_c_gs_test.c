// SPDX-License-Identifier: Apache-2.0
/* What a port of a whole runtime needs of Gs, from C11: stacks, names, user data, who runs next,
 * kills, parks with a deadline, polls that another G interrupts. */
#define _POSIX_C_SOURCE 200809L

#include "tests/unit/capi/weft_c_test.h"

#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

static void run_to_end(weft_scheduler* s) {
  OK(weft_run(s));
  OK(weft_destroy(s));
}

static void go(weft_scheduler* s, weft_start start, void* argument, weft_g_options options) {
  OK(weft_go_with(s, start, argument, &options, NULL));
}

/* --- stacks --- */

static void has_a_large_frame(void* sum) {
  volatile unsigned char frame[150000];
  for (size_t i = 0; i < sizeof frame; ++i) frame[i] = (unsigned char)i;
  OK(weft_osyield());
  for (size_t i = 0; i < sizeof frame; ++i) *(unsigned long*)sum += frame[i];
}

static void test_a_frame_of_150_kb_fits_into_a_stack_that_was_asked_for(void) {
  weft_scheduler* s = fresh();
  unsigned long sums[2] = {0, 0};
  go(s, has_a_large_frame, &sums[0], (weft_g_options){.stack_bytes = 200000});
  go(s, has_a_large_frame, &sums[1], (weft_g_options){.stack_bytes = 1 << 20});
  run_to_end(s);
  CHECK(sums[0] == sums[1] && sums[0] > 0);
}

static char* own_stack;
enum { OWN_BYTES = 256 * 1024 };

static int is_on_own(const void* place) {
  return (uintptr_t)place >= (uintptr_t)own_stack &&
         (uintptr_t)place < (uintptr_t)own_stack + OWN_BYTES;
}

static void runs_on_own(void* how_often) {
  int done = 0;
  void* low = NULL;
  void* high = NULL;
  CHECK(is_on_own(__builtin_frame_address(0)));
  OK(weft_stack_bounds(&low, &high));
  CHECK(low == own_stack && high == own_stack + OWN_BYTES);
  for (; done < *(int*)how_often; ++done) {
    OK(weft_osyield());
    OK(weft_usleep(10));
  }
  say("ran");
}

static void frees(void* stack) {
  CHECK(!is_on_own(&stack));
  free(stack);
  say("freed");
}

static weft_g_options on_own(void) {
  own_stack = malloc(OWN_BYTES);
  CHECK(own_stack != NULL);
  return (weft_g_options){
      .stack = own_stack, .stack_bytes = OWN_BYTES, .on_end = frees, .user = own_stack};
}

static void runs_beside(void* how_often) {
  for (int i = 0; i < *(int*)how_often; ++i) OK(weft_osyield());
}

static void test_a_g_runs_on_a_stack_of_the_callers_and_its_end_frees_it(void) {
  weft_scheduler* s = fresh();
  int often = 100;
  go(s, runs_on_own, &often, on_own());
  OK(weft_go(s, runs_beside, &often, NULL));
  run_to_end(s);
  CHECK(strcmp(trace, "ran freed") == 0);
}

static weft_g* victim;

static void parks_for_ever(void* unused) {
  (void)unused;
  weft_park();
  say("never");
}

static void kills_the_victim(void* unused) {
  (void)unused;
  OK(weft_kill_g(victim));
}

static void test_the_end_handler_comes_after_a_kill_and_with_the_scheduler(void) {
  weft_g_options options = on_own();
  weft_scheduler* s = fresh();
  OK(weft_go_with(s, parks_for_ever, NULL, &options, &victim));
  OK(weft_go(s, kills_the_victim, NULL, NULL));
  run_to_end(s);
  CHECK(strcmp(trace, "freed") == 0);

  s = fresh();
  options = on_own();
  OK(weft_go_with(s, parks_for_ever, NULL, &options, NULL));
  ERR(weft_run(s), WEFT_EDEADLOCK);
  OK(weft_destroy(s));
  CHECK(strcmp(trace, "freed") == 0);

  s = fresh();
  options = on_own();
  OK(weft_go_with(s, parks_for_ever, NULL, &options, NULL)); /* It never runs. */
  OK(weft_destroy(s));
  CHECK(strcmp(trace, "freed") == 0);
}

static void test_stacks_that_make_no_sense_are_refused(void) {
  weft_scheduler* s = fresh();
  weft_g_options options = on_own();
  options.stack_bytes = 16 * 1024 - 1;
  ERR(weft_go_with(s, parks_for_ever, NULL, &options, NULL), WEFT_EINVAL);
  free(options.stack);
  options = (weft_g_options){.stack_bytes = ((size_t)1 << 30) + 1, .on_end = frees};
  ERR(weft_go_with(s, parks_for_ever, NULL, &options, NULL), WEFT_EINVAL);
  run_to_end(s);
  CHECK(trace[0] == '\0'); /* A G that was not made has no end. */
}

static int goes_deeper(volatile char* above, long levels) {
  volatile char frame[1024];
  frame[0] = above[0];
  return levels > 0 ? goes_deeper(frame, levels - 1) + frame[0] : 0;
}

static void overflows(void* unused) {
  volatile char first = 1;
  (void)unused;
  goes_deeper(&first, 1000000);
}

static void test_an_overflow_is_told_in_words(void) {
  int said[2];
  char text[2000] = "";
  int status = 0;
  CHECK(pipe(said) == 0);
  const pid_t child = fork();
  if (child == 0) {
    weft_scheduler* s = fresh();
    dup2(said[1], 2);
    OK(weft_handle_faults(s));
    OK(weft_handle_faults(s));
    go(s, overflows, NULL, (weft_g_options){.name = "deep"});
    weft_run(s);
    _exit(0);
  }
  close(said[1]);
  for (size_t have = 0;;) {
    const ssize_t n = read(said[0], text + have, sizeof text - 1 - have);
    if (n <= 0) break;
    have += (size_t)n;
  }
  close(said[0]);
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);
  CHECK(strstr(text, "stack overflow") != NULL && strstr(text, "deep") != NULL);
}

/* --- what is kept with a G --- */

static void yields_and_ends(void* unused) {
  (void)unused;
  OK(weft_osyield());
}

static void looks_at_itself(void* argument) {
  weft_g* self = weft_self_g();
  CHECK(weft_g_user(self) == argument);
  CHECK(strcmp(weft_g_name(self), "a name that is cut, as ") == 0);
  OK(weft_g_set_name(self, "other"));
  CHECK(strcmp(weft_g_name(self), "other") == 0);
  OK(weft_g_set_user(self, NULL));
  CHECK(weft_g_user(self) == NULL);
  weft_park();
}

static void test_a_g_has_a_name_an_id_and_user_data(void) {
  weft_scheduler* s = fresh();
  weft_g* first;
  weft_g* second;
  const weft_g_options options = {.name = "a name that is cut, as the comment says", .user = s};
  OK(weft_go_with(s, looks_at_itself, s, &options, &first));
  OK(weft_go(s, yields_and_ends, NULL, &second));
  CHECK(weft_g_user(first) == s && weft_g_user(second) == NULL && weft_g_user(NULL) == NULL);
  CHECK(weft_g_id(first) == 1 && weft_g_id(second) == 2 && weft_g_id(NULL) == 0);
  CHECK(strcmp(weft_g_name(second), "") == 0);
  ERR(weft_run(s), WEFT_EDEADLOCK);
  CHECK(strstr(weft_message(s), "other") != NULL); /* The report names it. */
  ERR(weft_g_set_user(second, s), WEFT_EINVAL);
  ERR(weft_g_set_name(NULL, "x"), WEFT_EINVAL);
  OK(weft_destroy(s));
}

/* --- who runs next --- */

static weft_g* sleeper;

static void says_when_readied(void* unused) {
  (void)unused;
  sleeper = weft_self_g();
  OK(weft_park());
  say("sleeper");
}

static void says(void* word) {
  say(word);
}

static void readies_next(void* unused) {
  (void)unused;
  ERR(weft_ready_next(NULL), WEFT_EINVAL);
  ERR(weft_ready_next(weft_self_g()), WEFT_ENOTPARKED);
  OK(weft_ready_next(sleeper));
  say("readier");
  OK(weft_osyield()); /* Handed on. */
  say("back");
}

static void test_a_g_that_is_readied_next_runs_before_the_queue(void) {
  weft_scheduler* s = fresh();
  OK(weft_go(s, says_when_readied, NULL, NULL));
  OK(weft_go(s, readies_next, NULL, NULL));
  OK(weft_go(s, says, "queued", NULL));
  run_to_end(s);
  CHECK(strcmp(trace, "readier sleeper queued back") == 0);
}

static weft_g* pair[2];
static int turns;
static int over;

static void hands_on(void* which) {
  const int me = which != NULL;
  pair[me] = weft_self_g();
  if (me == 0) OK(weft_park());
  while (!over) {
    ++turns;
    OK(weft_ready_next(pair[!me]));
    OK(weft_park());
  }
  weft_ready(pair[!me]);
}

static void ends_the_pair(void* unused) {
  (void)unused;
  over = 1;
}

static void test_gs_that_hand_on_to_each_other_hold_nobody_up_for_ever(void) {
  weft_scheduler* s = fresh();
  turns = over = 0;
  OK(weft_go(s, hands_on, NULL, NULL));
  OK(weft_go(s, hands_on, &turns, NULL));
  OK(weft_go(s, ends_the_pair, NULL, NULL));
  run_to_end(s);
  CHECK(turns > 1 && turns <= 64);
}

/* --- kills --- */

static void ends_itself(void* unused) {
  (void)unused;
  say("before");
  weft_kill_g(weft_self_g());
  say("never");
}

static void kills(void* unused) {
  static weft_lock lock;
  (void)unused;
  OK(weft_kill_g(victim));
  ERR(weft_kill_g(NULL), WEFT_EINVAL);
  OK(weft_lock_acquire(&lock));
  ERR(weft_kill_g(weft_self_g()), WEFT_EHOLDSLOCKS);
  OK(weft_lock_release(&lock));
  OK(weft_osyield());
  ERR(weft_kill_g(victim), WEFT_EINVAL);
  say("killer");
}

static void kills_nobody(void* unused) {
  (void)unused;
  ERR(weft_kill_g(NULL), WEFT_EINVAL);
}

static void test_a_g_is_killed_where_it_waits_or_by_itself(void) {
  weft_scheduler* s = fresh();
  ERR(weft_kill_g(victim), WEFT_EOFFTHREAD);
  on_a_thread(kills_nobody);
  OK(weft_go(s, parks_for_ever, NULL, &victim));
  OK(weft_go(s, ends_itself, NULL, NULL));
  OK(weft_go(s, kills, NULL, NULL));
  run_to_end(s);
  CHECK(strcmp(trace, "before killer") == 0);
}

static weft_lock held;
static int was_refused;

static void sleeps_with_a_lock(void* unused) {
  (void)unused;
  OK(weft_lock_acquire(&held));
  while (!was_refused) OK(weft_usleep(10));
  OK(weft_lock_release(&held));
  say("released");
  weft_park();
  say("never");
}

static void kills_as_soon_as_it_may(void* unused) {
  int code;
  (void)unused;
  ERR(weft_kill_g(victim), WEFT_EHOLDSLOCKS);
  was_refused = 1;
  while ((code = weft_kill_g(victim)) == WEFT_EHOLDSLOCKS) OK(weft_osyield());
  OK(code);
  OK(weft_lock_acquire(&held));
  OK(weft_lock_release(&held));
  say("free");
}

static void test_a_killed_g_leaves_no_lock_held(void) {
  weft_scheduler* s = fresh();
  OK(weft_go(s, sleeps_with_a_lock, NULL, &victim));
  OK(weft_go(s, kills_as_soon_as_it_may, NULL, NULL));
  run_to_end(s);
  CHECK(strcmp(trace, "released free") == 0);
}

static int at_its_end;

static void kills_itself_at_its_end(void* unused) {
  (void)unused;
  at_its_end = 1;
  ERR(weft_kill_g(weft_self_g()), WEFT_EINVAL);
  ERR(weft_exit_thread(), WEFT_EINVAL);
  OK(weft_checkpoint());
  OK(weft_osyield());
  say("end");
}

static void kills_the_victim_at_its_end(void* unused) {
  (void)unused;
  while (!at_its_end) OK(weft_osyield());
  ERR(weft_kill_g(victim), WEFT_EINVAL);
  say("killer");
}

static void test_a_kill_in_the_end_handler_does_not_go_back_to_a_frame_that_is_gone(void) {
  const weft_g_options options = {.on_end = kills_itself_at_its_end};
  weft_scheduler* s = fresh();
  at_its_end = 0;
  OK(weft_go_with(s, yields_and_ends, NULL, &options, &victim));
  OK(weft_go(s, kills_the_victim_at_its_end, NULL, NULL));
  run_to_end(s);
  CHECK(strcmp(trace, "killer end") == 0);
}

static void test_a_g_killed_before_it_ran_gives_way_in_its_end_handler(void) {
  const weft_g_options options = {.on_end = kills_itself_at_its_end};
  weft_scheduler* s = fresh();
  OK(weft_go(s, kills_the_victim, NULL, NULL));
  OK(weft_go_with(s, parks_for_ever, NULL, &options, &victim));
  run_to_end(s);
  CHECK(strcmp(trace, "end") == 0);
}

/* --- waits that end otherwise --- */

static void parks_for_a_time(void* unused) {
  (void)unused;
  ERR(weft_park_for(0), WEFT_ETIMEDOUT);
  ERR(weft_park_for(1000), WEFT_ETIMEDOUT);
  sleeper = weft_self_g();
  OK(weft_park_for(INT64_MAX / 2));
  OK(weft_park_for(-1));
  say("twice");
}

static void readies_twice(void* unused) {
  (void)unused;
  for (int i = 0; i < 2; ++i) {
    while (sleeper == NULL || weft_ready(sleeper) != WEFT_OK) OK(weft_usleep(10));
  }
}

static void test_a_park_has_a_deadline(void) {
  weft_scheduler* s = fresh();
  sleeper = NULL;
  OK(weft_go(s, parks_for_a_time, NULL, NULL));
  OK(weft_go(s, readies_twice, NULL, NULL));
  run_to_end(s);
  CHECK(strcmp(trace, "twice") == 0);
}

static weft_note note;
static int silent[2];
static int has_timed_out;

static void polls(void* word) {
  weft_pollfd fd = {.fd = silent[0], .events = WEFT_POLL_READ};
  size_t ready = 9;
  ERR(weft_poll_note(&fd, 1, 1000, &note, &ready), WEFT_ETIMEDOUT);
  has_timed_out = 1;
  ERR(weft_poll_note(&fd, 1, -1, &note, &ready), WEFT_EINTR);
  CHECK(ready == 0);
  ERR(weft_poll_note(&fd, 1, -1, &note, NULL), WEFT_EINTR); /* It stays awake, */
  OK(weft_note_clear(&note));
  CHECK(write(silent[1], "x", 1) == 1);
  OK(weft_poll_note(&fd, 1, -1, &note, &ready)); /* and then is not. */
  OK(weft_note_wake(&note));
  OK(weft_poll_note(&fd, 1, -1, &note, &ready)); /* What is ready comes first. */
  CHECK(ready == 1 && fd.revents == WEFT_POLL_READ);
  OK(weft_note_clear(&note));
  say(word);
}

static void wakes_the_note(void* unused) {
  (void)unused;
  do OK(weft_usleep(100));
  while (!has_timed_out);
  OK(weft_note_wake(&note));
}

static void polls_on_a_busy_note(void* unused) {
  (void)unused;
  ERR(weft_poll_note(NULL, 0, -1, &note, NULL), WEFT_EBUSYNOTE);
}

static void test_a_poll_is_interrupted_by_a_note(void) {
  CHECK(pipe(silent) == 0);
  weft_scheduler* s = fresh();
  OK(weft_go(s, polls, "G", NULL));
  OK(weft_go(s, polls_on_a_busy_note, NULL, NULL));
  OK(weft_go(s, wakes_the_note, NULL, NULL));
  run_to_end(s);
  CHECK(strcmp(trace, "G") == 0);
  close(silent[0]);
  close(silent[1]);

  CHECK(pipe(silent) == 0);
  s = fresh();
  has_timed_out = 0;
  OK(weft_newosproc(s, polls, "thread", NULL));
  OK(weft_newosproc(s, wakes_the_note, NULL, NULL));
  run_to_end(s);
  CHECK(strcmp(trace, "thread") == 0);
  close(silent[0]);
  close(silent[1]);
}

int main(void) {
  test_a_frame_of_150_kb_fits_into_a_stack_that_was_asked_for();
  test_a_g_runs_on_a_stack_of_the_callers_and_its_end_frees_it();
  test_the_end_handler_comes_after_a_kill_and_with_the_scheduler();
  test_stacks_that_make_no_sense_are_refused();
  test_an_overflow_is_told_in_words();
  test_a_g_has_a_name_an_id_and_user_data();
  test_a_g_that_is_readied_next_runs_before_the_queue();
  test_gs_that_hand_on_to_each_other_hold_nobody_up_for_ever();
  test_a_g_is_killed_where_it_waits_or_by_itself();
  test_a_killed_g_leaves_no_lock_held();
  test_a_kill_in_the_end_handler_does_not_go_back_to_a_frame_that_is_gone();
  test_a_g_killed_before_it_ran_gives_way_in_its_end_handler();
  test_a_park_has_a_deadline();
  test_a_poll_is_interrupted_by_a_note();
  printf("%d checks\n", checks);
  return 0;
}
