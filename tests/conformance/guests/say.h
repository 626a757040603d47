// SPDX-License-Identifier: Apache-2.0
// What the guests of this folder share: a line of output that is one fd_write, and subscriptions of
// poll_oneoff in one line each. Static functions, so that each guest stays one small program.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wasi/api.h>

#define MAYBE_UNUSED __attribute__((unused))

enum { kMs = 1000 * 1000 };

// Writes one line to fd in one call. Returns WASI's errno.
static MAYBE_UNUSED int say_to(int fd, const char* format, ...) {
  char line[256];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(line, sizeof line - 1, format, args);
  va_end(args);
  line[length++] = '\n';
  __wasi_ciovec_t piece = {.buf = (const uint8_t*)line, .buf_len = (__wasi_size_t)length};
  __wasi_size_t written = 0;
  return __wasi_fd_write((__wasi_fd_t)fd, &piece, 1, &written);
}

#define say(...) say_to(1, __VA_ARGS__)

static MAYBE_UNUSED __wasi_timestamp_t now(__wasi_clockid_t clock) {
  __wasi_timestamp_t time = 0;
  if (__wasi_clock_time_get(clock, 1, &time) != 0) abort();
  return time;
}

static MAYBE_UNUSED __wasi_timestamp_t now_monotonic(void) {
  return now(__WASI_CLOCKID_MONOTONIC);
}

static MAYBE_UNUSED __wasi_subscription_t on_clock(__wasi_userdata_t userdata,
                                                   __wasi_clockid_t clock,
                                                   __wasi_timestamp_t timeout, int absolute) {
  __wasi_subscription_t s;
  memset(&s, 0, sizeof s);
  s.userdata = userdata;
  s.u.tag = __WASI_EVENTTYPE_CLOCK;
  s.u.u.clock.id = clock;
  s.u.u.clock.timeout = timeout;
  if (absolute) s.u.u.clock.flags = __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME;
  return s;
}

static MAYBE_UNUSED __wasi_subscription_t after(__wasi_userdata_t userdata,
                                                __wasi_timestamp_t timeout) {
  return on_clock(userdata, __WASI_CLOCKID_MONOTONIC, timeout, 0);
}

static MAYBE_UNUSED __wasi_subscription_t on_read(__wasi_userdata_t userdata, __wasi_fd_t fd) {
  __wasi_subscription_t s;
  memset(&s, 0, sizeof s);
  s.userdata = userdata;
  s.u.tag = __WASI_EVENTTYPE_FD_READ;
  s.u.u.fd_read.file_descriptor = fd;
  return s;
}

static MAYBE_UNUSED __wasi_subscription_t on_write(__wasi_userdata_t userdata, __wasi_fd_t fd) {
  __wasi_subscription_t s = on_read(userdata, fd);
  s.u.tag = __WASI_EVENTTYPE_FD_WRITE;
  return s;
}

// Polls and returns how many events there are. An errno ends the guest.
static MAYBE_UNUSED int poll_events(const __wasi_subscription_t* in, __wasi_event_t* out, int n) {
  __wasi_size_t count = 0;
  int error = __wasi_poll_oneoff(in, out, (__wasi_size_t)n, &count);
  if (error == 0) return (int)count;
  say("poll_oneoff: errno %d", error);
  exit(90);
}

// Sleeps on the monotonic clock.
static MAYBE_UNUSED void nap(__wasi_timestamp_t timeout) {
  __wasi_subscription_t s = after(1, timeout);
  __wasi_event_t event;
  poll_events(&s, &event, 1);
}

// Reads once. Returns WASI's errno.
static MAYBE_UNUSED int read_some(int fd, char* buffer, int size, int* got) {
  __wasi_iovec_t piece = {.buf = (uint8_t*)buffer, .buf_len = (__wasi_size_t)size};
  __wasi_size_t count = 0;
  int error = __wasi_fd_read((__wasi_fd_t)fd, &piece, 1, &count);
  *got = (int)count;
  return error;
}

static MAYBE_UNUSED int number_of(const char* text) {
  return (int)strtol(text, NULL, 10);
}
