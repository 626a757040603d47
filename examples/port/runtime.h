// SPDX-License-Identifier: Apache-2.0
/* A goroutine-style runtime in small: tasks on several threads with a run queue each, work
 * stealing, and channels. Written against runtime_os.h alone.
 *
 *   rt_go ─▶ queue of the thread that asked ─▶ its loop, or a thread that steals half of it
 *                         ▲                          │ task->step(task)
 *                         └── rt_again ──────────────┤
 *   parked in a channel ◀─────────────── rt_parked ──┤
 *         └─ the other end comes ─▶ queue            └── rt_done: freed
 *
 * A task has no stack: its step function runs until it is done or must wait, and goes on at the
 * same line when called again (RT_BEGIN to RT_END). What must survive a wait lives in its own
 * struct, which begins with a struct rt_task.
 */
#ifndef EXAMPLES_PORT_RUNTIME_H
#define EXAMPLES_PORT_RUNTIME_H

#include "examples/port/runtime_os.h"

enum rt_outcome { rt_done, rt_again, rt_parked };

struct rt_m;

struct rt_task {
  enum rt_outcome (*step)(struct rt_task* self);
  int at;               /* The line to go on at. */
  int value;            /* Of the last receive, or of the send under way. */
  int ok;               /* Whether the last receive got a value: 0 when the channel is closed. */
  struct rt_m* m;       /* The thread that runs it. */
  struct rt_task* next; /* In a queue. */
};

struct rt_queue {
  struct rt_task* head;
  struct rt_task* tail;
};

/* Unbuffered. Valid when all its bytes are zero. */
struct rt_chan {
  os_lock lock;
  struct rt_queue senders;
  struct rt_queue receivers;
  int closed;
};

/* Runs first on `threads` threads, until every task is done. Returns 0, or 1 when all tasks wait.
 */
int rt_run(int strict, int threads, struct rt_task* first);

/* Makes a task of `bytes` zero bytes that runs step; parent: the task that asks, NULL before
 * rt_run. To be filled in, and started by rt_start. */
void* rt_new(size_t bytes, enum rt_outcome (*step)(struct rt_task* self));
void rt_start(struct rt_task* parent, void* task);

/* Return 1 when it is done, 0 when the task is parked: use RT_SEND and RT_RECEIVE. */
int rt_send(struct rt_task* task, struct rt_chan* chan, int value);
int rt_receive(struct rt_task* task, struct rt_chan* chan);
void rt_close(struct rt_task* task, struct rt_chan* chan);

/* How many tasks were stolen, in all. */
unsigned rt_steals(void);

#define RT_BEGIN(task)  \
  switch ((task)->at) { \
    case 0:
#define RT_END \
  }            \
  return rt_done

/* Goes on behind itself when call is 1, and when the task runs again. */
#define RT_WAIT_FOR(task, call)    \
  do {                             \
    (task)->at = __LINE__;         \
    if (!(call)) return rt_parked; \
    __attribute__((fallthrough));  \
    case __LINE__:;                \
  } while (0)

#define RT_SEND(task, chan, value) RT_WAIT_FOR(task, rt_send(task, chan, value))
#define RT_RECEIVE(task, chan) RT_WAIT_FOR(task, rt_receive(task, chan))

#define RT_YIELD(task)     \
  do {                     \
    (task)->at = __LINE__; \
    return rt_again;       \
    case __LINE__:;        \
  } while (0)

#endif
