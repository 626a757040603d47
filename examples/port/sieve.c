// SPDX-License-Identifier: Apache-2.0
/* The program: the first primes by a chain of filters, each a task that takes numbers from the one
 * before it; and the sum of squares by workers that share one channel. What it prints does not
 * depend on who runs when, so it is the same on every floor.
 *
 *   port_sieve [--strict]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/port/runtime.h"

enum { threads = 4, primes = 60, workers = 8, jobs = 1000, naps_every = 100, nap_us = 200 };

/* --- primes --- */

struct stage {
  struct rt_task task;
  struct rt_chan* in;
  struct rt_chan* out;
  int number;
};

static struct rt_chan links[primes + 1];

/* 2, 3, 4, ... The last value is 0, which runs down the whole chain and ends it. */
static enum rt_outcome generate(struct rt_task* task) {
  struct stage* self = (struct stage*)task;
  RT_BEGIN(task);
  for (self->number = 2; self->number < 283; ++self->number) {
    RT_SEND(task, self->out, self->number);
  }
  RT_SEND(task, self->out, 0);
  RT_END;
}

/* Passes on what its own prime does not divide. */
static enum rt_outcome filter(struct rt_task* task) {
  struct stage* self = (struct stage*)task;
  RT_BEGIN(task);
  do {
    RT_RECEIVE(task, self->in);
    if (task->value == 0 || task->value % self->number != 0) {
      RT_SEND(task, self->out, task->value);
    }
  } while (task->value != 0);
  RT_END;
}

/* --- squares --- */

struct sum {
  struct rt_task task;
  long total;
  int i;
};

static struct rt_chan work;
static struct rt_chan results;

static enum rt_outcome square(struct rt_task* task) {
  struct sum* self = (struct sum*)task;
  RT_BEGIN(task);
  for (;;) {
    RT_RECEIVE(task, &work);
    if (!task->ok) break;
    self->total += (long)task->value * task->value;
    if (task->value % naps_every == 0) os_usleep(nap_us); /* Its thread sleeps; the others go on. */
    RT_YIELD(task);
  }
  RT_SEND(task, &results, (int)(self->total % 1000000));
  RT_END;
}

static enum rt_outcome add_up(struct rt_task* task) {
  struct sum* self = (struct sum*)task;
  RT_BEGIN(task);
  for (self->i = 0; self->i < workers; ++self->i) {
    RT_RECEIVE(task, &results);
    self->total += task->value;
  }
  printf("squares modulo a million: %ld\n", self->total % 1000000);
  RT_END;
}

static enum rt_outcome hand_out(struct rt_task* task) {
  struct sum* self = (struct sum*)task;
  RT_BEGIN(task);
  for (self->i = 1; self->i <= jobs; ++self->i) RT_SEND(task, &work, self->i);
  rt_close(task, &work);
  RT_END;
}

/* --- the first task --- */

struct first {
  struct rt_task task;
  int found;
};

static void add_filter(struct rt_task* parent, int index, int prime) {
  struct stage* stage = rt_new(sizeof *stage, filter);
  stage->in = &links[index];
  stage->out = &links[index + 1];
  stage->number = prime;
  rt_start(parent, stage);
}

static enum rt_outcome first(struct rt_task* task) {
  struct first* self = (struct first*)task;
  struct stage* source;
  RT_BEGIN(task);
  source = rt_new(sizeof *source, generate);
  source->out = &links[0];
  rt_start(task, source);
  for (self->found = 0; self->found < primes; ++self->found) {
    RT_RECEIVE(task, &links[self->found]);
    printf("%d%c", task->value, self->found % 10 == 9 ? '\n' : ' ');
    add_filter(task, self->found, task->value);
  }
  do {
    RT_RECEIVE(task, &links[primes]);
  } while (task->value != 0);
  rt_start(task, rt_new(sizeof(struct sum), hand_out));
  rt_start(task, rt_new(sizeof(struct sum), add_up));
  for (int i = 0; i < workers; ++i) rt_start(task, rt_new(sizeof(struct sum), square));
  RT_END;
}

int main(int argc, char** argv) {
  const int strict = argc > 1 && strcmp(argv[1], "--strict") == 0;
  const int failed = rt_run(strict, threads, rt_new(sizeof(struct first), first));
  fflush(stdout);
  fprintf(stderr, "stolen: %s\n", rt_steals() > 0 ? "some" : "none");
  return failed;
}
