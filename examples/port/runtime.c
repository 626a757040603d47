// SPDX-License-Identifier: Apache-2.0
/* The loop of each thread, its queue, and channels. A thread holds one lock at a time, for a few
 * lines; only the scheduler's lock is held while another one is taken, to look at the queues.
 *
 * No wake is lost: a thread that goes to sleep counts itself in `idle` and then looks at every
 * queue; a thread that queues a task counts it in that queue and then looks at `idle`. One of the
 * two sees the other.
 */
#include "examples/port/runtime.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { threads_max = 16, looks_before_sleep = 4 };

struct rt_m {
  os_lock lock; /* Of the queue. */
  struct rt_queue queue;
  atomic_int length;
  os_note note;
  struct rt_m* idle_next;
  unsigned random;
};

static struct rt_m ms[threads_max];
static atomic_int m_count;
static atomic_int live;
static atomic_int finished;
static atomic_uint steals;

static os_lock idle_lock;
static struct rt_m* idle_list;
static atomic_int idle;
static int deadlock;

/* --- queues --- */

static void queue_push(struct rt_queue* queue, struct rt_task* task) {
  task->next = NULL;
  if (queue->head == NULL) {
    queue->head = task;
  } else {
    queue->tail->next = task;
  }
  queue->tail = task;
}

static struct rt_task* queue_pop(struct rt_queue* queue) {
  struct rt_task* task = queue->head;
  if (task != NULL) queue->head = task->next;
  return task;
}

static void wake_one(void) {
  struct rt_m* m;
  if (atomic_load(&idle) == 0) return;
  os_lock_acquire(&idle_lock);
  m = idle_list;
  if (m != NULL) {
    idle_list = m->idle_next;
    atomic_fetch_sub(&idle, 1);
  }
  os_lock_release(&idle_lock);
  if (m != NULL) os_note_wake(&m->note);
}

static void make_ready(struct rt_m* m, struct rt_task* task) {
  os_lock_acquire(&m->lock);
  queue_push(&m->queue, task);
  atomic_fetch_add(&m->length, 1);
  os_lock_release(&m->lock);
  wake_one();
}

static struct rt_task* take(struct rt_m* m) {
  struct rt_task* task;
  os_lock_acquire(&m->lock);
  task = queue_pop(&m->queue);
  if (task != NULL) atomic_fetch_sub(&m->length, 1);
  os_lock_release(&m->lock);
  return task;
}

/* Takes half of what the victim has, runs the first and keeps the others. */
static struct rt_task* steal_from(struct rt_m* thief, struct rt_m* victim) {
  struct rt_queue loot = {NULL, NULL};
  struct rt_task* first;
  struct rt_task* task;
  int count;
  if (victim == thief || atomic_load(&victim->length) == 0) return NULL;
  os_lock_acquire(&victim->lock);
  count = (atomic_load(&victim->length) + 1) / 2;
  for (int i = 0; i < count; ++i) queue_push(&loot, queue_pop(&victim->queue));
  atomic_fetch_sub(&victim->length, count);
  os_lock_release(&victim->lock);
  atomic_fetch_add(&steals, (unsigned)count);
  first = queue_pop(&loot);
  while (loot.head != NULL) {
    task = queue_pop(&loot);
    make_ready(thief, task);
  }
  return first;
}

static struct rt_task* steal(struct rt_m* m) {
  m->random = m->random * 1664525u + 1013904223u;
  const int start = (int)(m->random >> 16) % m_count;
  for (int i = 0; i < m_count; ++i) {
    struct rt_task* task = steal_from(m, &ms[(start + i) % m_count]);
    if (task != NULL) return task;
  }
  return NULL;
}

/* --- the loop --- */

static int any_work(void) {
  for (int i = 0; i < m_count; ++i) {
    if (atomic_load(&ms[i].length) > 0) return 1;
  }
  return 0;
}

static void finish(void) {
  atomic_store(&finished, 1);
  for (int i = 0; i < m_count; ++i) wake_one();
}

/* Sleeps until there may be work. */
static void sleep_until_work(struct rt_m* m) {
  int stay = 0;
  int stuck = 0;
  os_note_clear(&m->note);
  os_lock_acquire(&idle_lock);
  m->idle_next = idle_list;
  idle_list = m;
  atomic_fetch_add(&idle, 1);
  stay = !any_work() && !atomic_load(&finished);
  stuck = stay && atomic_load(&idle) == m_count;
  if (!stay || stuck) { /* Nobody could take it off meanwhile: it is the head. */
    idle_list = m->idle_next;
    atomic_fetch_sub(&idle, 1);
  }
  os_lock_release(&idle_lock);
  if (stuck) {
    deadlock = 1;
    finish();
  } else if (stay) {
    os_note_sleep(&m->note);
  }
}

static struct rt_task* find_work(struct rt_m* m) {
  while (!atomic_load(&finished)) {
    struct rt_task* task = take(m);
    for (int look = 0; task == NULL && look < looks_before_sleep; ++look) {
      task = steal(m);
      if (task == NULL) os_yield();
    }
    if (task != NULL) return task;
    sleep_until_work(m);
  }
  return NULL;
}

static void run_m(void* argument) {
  struct rt_m* m = argument;
  struct rt_task* task;
  while ((task = find_work(m)) != NULL) {
    task->m = m;
    switch (task->step(task)) {
      case rt_again:
        make_ready(m, task);
        break;
      case rt_parked: /* Another thread may run it by now: hands off. */
        break;
      case rt_done:
        free(task);
        if (atomic_fetch_sub(&live, 1) == 1) finish();
        break;
    }
  }
}

static void first_m(void* threads) {
  for (int i = 1; i < *(int*)threads; ++i) {
    os_random(&ms[i].random, sizeof ms[i].random);
    ++m_count; /* Before it runs: it looks at every queue. */
    if (os_newosproc(run_m, &ms[i]) != 0) {
      --m_count;
      break;
    }
  }
  run_m(&ms[0]);
}

int rt_run(int strict, int threads, struct rt_task* first) {
  m_count = 1;
  rt_start(NULL, first);
  if (os_run(strict, first_m, &threads) != 0) return 1;
  if (deadlock) fprintf(stderr, "all tasks are asleep: %d\n", atomic_load(&live));
  return deadlock;
}

/* --- tasks and channels --- */

void* rt_new(size_t bytes, enum rt_outcome (*step)(struct rt_task* self)) {
  struct rt_task* task = calloc(1, bytes);
  if (task == NULL) abort();
  task->step = step;
  return task;
}

void rt_start(struct rt_task* parent, void* task) {
  atomic_fetch_add(&live, 1);
  if (parent != NULL) {
    make_ready(parent->m, task);
  } else { /* Before there are threads. */
    queue_push(&ms[0].queue, task);
    atomic_fetch_add(&ms[0].length, 1);
  }
}

int rt_send(struct rt_task* task, struct rt_chan* chan, int value) {
  struct rt_task* receiver;
  struct rt_m* m = task->m; /* Once parked, the task is another's. */
  os_lock_acquire(&chan->lock);
  receiver = queue_pop(&chan->receivers);
  if (receiver == NULL) {
    task->value = value;
    queue_push(&chan->senders, task);
  } else {
    receiver->value = value;
    receiver->ok = 1;
  }
  os_lock_release(&chan->lock);
  if (receiver != NULL) make_ready(m, receiver);
  return receiver != NULL;
}

int rt_receive(struct rt_task* task, struct rt_chan* chan) {
  struct rt_task* sender;
  struct rt_m* m = task->m;
  int done = 1;
  os_lock_acquire(&chan->lock);
  sender = queue_pop(&chan->senders);
  if (sender != NULL) {
    task->value = sender->value;
    task->ok = 1;
  } else if (chan->closed) {
    task->ok = 0;
  } else {
    queue_push(&chan->receivers, task);
    done = 0;
  }
  os_lock_release(&chan->lock);
  if (sender != NULL) make_ready(m, sender);
  return done;
}

void rt_close(struct rt_task* task, struct rt_chan* chan) {
  struct rt_task* receiver;
  os_lock_acquire(&chan->lock);
  chan->closed = 1;
  receiver = chan->receivers.head;
  chan->receivers.head = NULL;
  os_lock_release(&chan->lock);
  while (receiver != NULL) {
    struct rt_task* next = receiver->next;
    receiver->ok = 0;
    make_ready(task->m, receiver);
    receiver = next;
  }
}

unsigned rt_steals(void) {
  return atomic_load(&steals);
}
