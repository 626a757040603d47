// SPDX-License-Identifier: Apache-2.0
/* The floor of the runtime on pthreads: each thread is a real one. */
#define _GNU_SOURCE

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "examples/port/runtime_os.h"

/* Zero bytes are PTHREAD_MUTEX_INITIALIZER and PTHREAD_COND_INITIALIZER on Linux. */
struct note {
  pthread_mutex_t mutex;
  pthread_cond_t condition;
  int woken;
};
_Static_assert(sizeof(pthread_mutex_t) <= sizeof(os_lock), "a lock has room for a mutex");
_Static_assert(sizeof(struct note) <= sizeof(os_note), "a note has room for a condition");

struct start {
  void (*start)(void* argument);
  void* argument;
};

static pthread_mutex_t threads_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t threads_ended = PTHREAD_COND_INITIALIZER;
static int threads;

static void* run(void* argument) {
  struct start start = *(struct start*)argument;
  free(argument);
  start.start(start.argument);
  pthread_mutex_lock(&threads_mutex);
  if (--threads == 0) pthread_cond_signal(&threads_ended);
  pthread_mutex_unlock(&threads_mutex);
  return NULL;
}

int os_newosproc(void (*start)(void* argument), void* argument) {
  struct start* made = malloc(sizeof *made);
  pthread_t thread;
  if (made == NULL) return 1;
  *made = (struct start){start, argument};
  pthread_mutex_lock(&threads_mutex);
  ++threads;
  pthread_mutex_unlock(&threads_mutex);
  if (pthread_create(&thread, NULL, run, made) == 0) {
    pthread_detach(thread);
    return 0;
  }
  free(made);
  pthread_mutex_lock(&threads_mutex);
  --threads;
  pthread_mutex_unlock(&threads_mutex);
  return 1;
}

int os_run(int strict, void (*first)(void* argument), void* argument) {
  if (strict) {
    fprintf(stderr, "pthreads have no strict behaviour\n");
    return 1;
  }
  first(argument);
  pthread_mutex_lock(&threads_mutex);
  while (threads > 0) pthread_cond_wait(&threads_ended, &threads_mutex);
  pthread_mutex_unlock(&threads_mutex);
  return 0;
}

void os_yield(void) {
  sched_yield();
}

void os_usleep(uint32_t microseconds) {
  usleep(microseconds);
}

void os_lock_acquire(os_lock* lock) {
  pthread_mutex_lock((pthread_mutex_t*)lock);
}

void os_lock_release(os_lock* lock) {
  pthread_mutex_unlock((pthread_mutex_t*)lock);
}

void os_note_clear(os_note* note) {
  struct note* n = (struct note*)note;
  pthread_mutex_lock(&n->mutex);
  n->woken = 0;
  pthread_mutex_unlock(&n->mutex);
}

void os_note_sleep(os_note* note) {
  struct note* n = (struct note*)note;
  pthread_mutex_lock(&n->mutex);
  while (!n->woken) pthread_cond_wait(&n->condition, &n->mutex);
  pthread_mutex_unlock(&n->mutex);
}

void os_note_wake(os_note* note) {
  struct note* n = (struct note*)note;
  pthread_mutex_lock(&n->mutex);
  n->woken = 1;
  pthread_cond_signal(&n->condition);
  pthread_mutex_unlock(&n->mutex);
}

int64_t os_nanotime(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void os_random(void* buffer, size_t bytes) {
  if (getrandom(buffer, bytes, 0) != (ssize_t)bytes) abort();
}
