// SPDX-License-Identifier: Apache-2.0
/* Channels, mutexes and wait groups of weft.h, from C11. */
#include "tests/unit/capi/weft_c_test.h"

static weft_chan* channel;
static weft_mutex* mutex;
static weft_group* group;

/* Runs up to three Gs on a fresh scheduler, to the end. */
static void run(weft_start first, weft_start second, weft_start third) {
  weft_scheduler* s = fresh();
  OK(weft_go(s, first, NULL, NULL));
  if (second != NULL) OK(weft_go(s, second, NULL, NULL));
  if (third != NULL) OK(weft_go(s, third, NULL, NULL));
  OK(weft_run(s));
  OK(weft_destroy(s));
}

/* --- channels --- */

static void sends_and_closes(void* unused) {
  (void)unused;
  OK(weft_chan_send(channel, "one"));
  OK(weft_chan_send(channel, "two"));
  OK(weft_chan_close(channel));
  ERR(weft_chan_close(channel), WEFT_ECLOSED);
  ERR(weft_chan_send(channel, "three"), WEFT_ECLOSED);
  ERR(weft_chan_try_send(channel, "three"), WEFT_ECLOSED);
  CHECK(strcmp(weft_last_error(), "send on closed channel") == 0);
}

static void receives_all(void* unused) {
  void* value = NULL;
  int code;
  (void)unused;
  while ((code = weft_chan_recv(channel, &value)) == WEFT_OK) say(value);
  CHECK(code == WEFT_ECLOSED && value == NULL);
  ERR(weft_chan_try_recv(channel, &value), WEFT_ECLOSED);
}

static void test_a_channel_carries_pointers_until_it_is_closed(void) {
  size_t capacity;
  for (capacity = 0; capacity < 3; ++capacity) {
    OK(weft_chan_make(capacity, &channel));
    run(receives_all, sends_and_closes, NULL);
    CHECK(strcmp(trace, "one two") == 0);
    OK(weft_chan_free(channel));
  }
}

static void tries(void* unused) {
  void* value = &value;
  (void)unused;
  ERR(weft_chan_try_recv(channel, &value), WEFT_EAGAIN);
  CHECK(value == NULL);
  OK(weft_chan_try_send(channel, "one"));
  ERR(weft_chan_try_send(channel, "two"), WEFT_EAGAIN);
  OK(weft_chan_try_recv(channel, &value));
  say(value);
}

static void test_trying_does_not_wait(void) {
  OK(weft_chan_make(1, &channel));
  run(tries, NULL, NULL);
  CHECK(strcmp(trace, "one") == 0);
  OK(weft_chan_free(channel));
}

static void waits_for_ever(void* unused) {
  void* value;
  (void)unused;
  weft_chan_recv(channel, &value);
  say("never");
}

static void test_a_g_that_waits_for_a_freed_channel_is_ended_with_the_scheduler(void) {
  weft_scheduler* s = fresh();
  OK(weft_chan_make(0, &channel));
  OK(weft_go(s, waits_for_ever, NULL, NULL));
  ERR(weft_run(s), WEFT_EDEADLOCK);
  CHECK(strstr(weft_message(s), "chan receive") != NULL);
  OK(weft_chan_free(channel));
  OK(weft_destroy(s));
  CHECK(trace[0] == '\0');
}

/* --- mutexes and wait groups --- */

static int inside;

static void locks(void* unused) {
  int i;
  (void)unused;
  for (i = 0; i < 100; ++i) {
    OK(weft_mutex_lock(mutex));
    CHECK(++inside == 1);
    OK(weft_osyield());
    --inside;
    OK(weft_mutex_unlock(mutex));
  }
  say("done");
  OK(weft_group_add(group, -1));
}

static void waits_for_both(void* unused) {
  (void)unused;
  ERR(weft_group_free(group), WEFT_EINVAL);
  OK(weft_group_wait(group));
  say("both");
  ERR(weft_mutex_unlock(mutex), WEFT_EUNLOCKED);
  ERR(weft_group_add(group, -1), WEFT_EINVAL);
  OK(weft_group_add(group, INT64_MAX));
  ERR(weft_group_add(group, 1), WEFT_EINVAL);
  ERR(weft_group_add(group, INT64_MAX), WEFT_EINVAL);
  OK(weft_group_add(group, -INT64_MAX));
  ERR(weft_group_add(group, INT64_MIN), WEFT_EINVAL);
  OK(weft_mutex_lock(mutex));
  ERR(weft_mutex_free(mutex), WEFT_EINVAL);
  OK(weft_mutex_unlock(mutex));
}

static void adds_two(void* unused) {
  (void)unused;
  OK(weft_group_add(group, 2));
}

static void test_a_mutex_lets_one_in_and_a_group_waits_for_all(void) {
  weft_scheduler* s = fresh();
  OK(weft_mutex_make(&mutex));
  OK(weft_group_make(&group));
  OK(weft_go(s, adds_two, NULL, NULL));
  OK(weft_go(s, waits_for_both, NULL, NULL));
  OK(weft_go(s, locks, NULL, NULL));
  OK(weft_go(s, locks, NULL, NULL));
  OK(weft_run(s));
  CHECK(strcmp(trace, "done done both") == 0);
  OK(weft_destroy(s));
  OK(weft_mutex_free(mutex));
  OK(weft_group_free(group));
}

/* --- misuse --- */

static void holds_a_lock(void* unused) {
  static weft_lock lock;
  void* value;
  (void)unused;
  OK(weft_lock_acquire(&lock));
  ERR(weft_chan_recv(channel, &value), WEFT_EHOLDSLOCKS);
  OK(weft_lock_release(&lock));
}

static void on_no_g(void* unused) {
  void* value;
  (void)unused;
  ERR(weft_chan_recv(channel, &value), WEFT_ENOG);
  ERR(weft_mutex_lock(mutex), WEFT_ENOG);
  ERR(weft_group_wait(group), WEFT_ENOG);
}

static void test_misuse_is_an_error(void) {
  void* value;
  ERR(weft_chan_make(0, NULL), WEFT_EINVAL);
  ERR(weft_chan_make((size_t)-1, &channel), WEFT_EINVAL);
  ERR(weft_mutex_make(NULL), WEFT_EINVAL);
  ERR(weft_group_make(NULL), WEFT_EINVAL);
  ERR(weft_chan_send(NULL, NULL), WEFT_EINVAL);
  ERR(weft_mutex_lock(NULL), WEFT_EINVAL);
  ERR(weft_group_wait(NULL), WEFT_EINVAL);
  OK(weft_chan_make(0, &channel));
  OK(weft_mutex_make(&mutex));
  OK(weft_group_make(&group));
  ERR(weft_chan_recv(channel, NULL), WEFT_EINVAL);
  ERR(weft_chan_recv(channel, &value), WEFT_EOFFTHREAD);
  run(holds_a_lock, NULL, NULL);
  on_a_thread(on_no_g);
  OK(weft_chan_free(channel));
  OK(weft_mutex_free(mutex));
  OK(weft_group_free(group));
  OK(weft_chan_free(NULL));
  CHECK(strcmp(weft_error_name(WEFT_ECLOSED), "WEFT_ECLOSED") == 0);
  CHECK(strcmp(weft_error_name(WEFT_EAGAIN), "WEFT_EAGAIN") == 0);
}

int main(void) {
  test_a_channel_carries_pointers_until_it_is_closed();
  test_trying_does_not_wait();
  test_a_g_that_waits_for_a_freed_channel_is_ended_with_the_scheduler();
  test_a_mutex_lets_one_in_and_a_group_waits_for_all();
  test_misuse_is_an_error();
  printf("%d checks held\n", checks);
  return 0;
}
