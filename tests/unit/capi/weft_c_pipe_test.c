// SPDX-License-Identifier: Apache-2.0
/* Pipes of weft.h, as a C program uses them. */
#define _POSIX_C_SOURCE 200809L

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>

#define CHECK(condition)                                                                      \
  do {                                                                                        \
    if (!(condition)) {                                                                       \
      fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, weft_last_error()); \
      exit(1);                                                                                \
    }                                                                                         \
  } while (0)

/* (module (import "env" "f" (func $f (param i32) (result i32)))
 *   (memory 1) (data (i32.const 8) "hello")
 *   (func (export "_start") (if (i32.ne (call $f (i32.const 8)) (i32.const 7)) (then unreachable)))
 * ) */
static const unsigned char module_bytes[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x09, 0x02, 0x60, 0x01, 0x7f,
    0x01, 0x7f, 0x60, 0x00, 0x00, 0x02, 0x09, 0x01, 0x03, 0x65, 0x6e, 0x76, 0x01, 0x66,
    0x00, 0x00, 0x03, 0x02, 0x01, 0x01, 0x05, 0x03, 0x01, 0x00, 0x01, 0x07, 0x0a, 0x01,
    0x06, 0x5f, 0x73, 0x74, 0x61, 0x72, 0x74, 0x00, 0x01, 0x0a, 0x0f, 0x01, 0x0d, 0x00,
    0x41, 0x08, 0x10, 0x00, 0x41, 0x07, 0x47, 0x04, 0x40, 0x00, 0x0b, 0x0b, 0x0b, 0x0b,
    0x01, 0x00, 0x41, 0x08, 0x0b, 0x05, 0x68, 0x65, 0x6c, 0x6c, 0x6f};

static weft_module* load_cat(weft_runtime* runtime) {
  char path[4096];
  weft_module* module;
  snprintf(path, sizeof path, "%s/c_cat.wasm", getenv("WEFT_GUESTS"));
  CHECK(weft_load(runtime, path, &module) == WEFT_OK);
  return module;
}

/* Until all guests wait, or have ended. */
static size_t turn_until_quiet(weft_runtime* runtime) {
  size_t live = 0;
  int fd;
  int64_t timeout = 0;
  for (;;) {
    CHECK(weft_runtime_turn(runtime, 0, &live) == WEFT_OK);
    CHECK(weft_runtime_poll(runtime, &fd, &timeout) == WEFT_OK);
    if (timeout != 0) return live;
  }
}

static void bytes_go_through_two_guests_and_back(weft_runtime* runtime) {
  weft_pipe *in, *between, *out;
  weft_module* module = load_cat(runtime);
  char bytes[64];
  size_t n = 0;
  CHECK(weft_pipe_make(runtime, 0, &in) == WEFT_OK);
  CHECK(weft_pipe_make(runtime, 0, &between) == WEFT_OK);
  CHECK(weft_pipe_make(runtime, 0, &out) == WEFT_OK);
  const weft_guest_options first = {.stdin_pipe = in, .stdout_pipe = between};
  const weft_guest_options second = {.stdin_pipe = between, .stdout_pipe = out};
  CHECK(weft_spawn(runtime, module, &first, NULL) == WEFT_OK);
  CHECK(weft_spawn(runtime, module, &second, NULL) == WEFT_OK);
  CHECK(weft_pipe_free(between) == WEFT_OK); /* The guests keep it. */
  CHECK(weft_pipe_close(in, WEFT_PIPE_READ) == WEFT_OK);
  CHECK(weft_pipe_close(out, WEFT_PIPE_WRITE) == WEFT_OK);
  CHECK(turn_until_quiet(runtime) == 2);
  CHECK(weft_pipe_read(out, bytes, sizeof bytes, &n) == WEFT_EAGAIN && n == 0);
  CHECK(weft_pipe_write(in, "hello\n", 6, &n) == WEFT_OK && n == 6);
  CHECK(turn_until_quiet(runtime) == 2);
  CHECK(weft_pipe_read(out, bytes, sizeof bytes, &n) == WEFT_OK && n == 6);
  CHECK(memcmp(bytes, "hello\n", 6) == 0);
  CHECK(weft_pipe_close(in, WEFT_PIPE_WRITE) == WEFT_OK);
  CHECK(turn_until_quiet(runtime) == 0);
  CHECK(weft_pipe_read(out, bytes, sizeof bytes, &n) == WEFT_OK && n == 0); /* The end. */
  CHECK(weft_pipe_free(in) == WEFT_OK && weft_pipe_free(out) == WEFT_OK);
  CHECK(weft_module_free(module) == WEFT_OK);
}

static weft_pipe* awaited;
static char got[100];

static void take(void* context) {
  size_t n = 0;
  ++*(int*)context;
  CHECK(weft_pipe_read(awaited, got + strlen(got), 50, &n) == WEFT_OK);
  if (n > 0) CHECK(weft_pipe_wait(awaited, WEFT_PIPE_READ, take, context) == WEFT_OK);
}

static void a_program_is_told_when_there_is_something_to_read(weft_runtime* runtime) {
  weft_module* module = load_cat(runtime);
  int calls = 0;
  got[0] = '\0';
  CHECK(weft_pipe_make(runtime, 0, &awaited) == WEFT_OK);
  const weft_guest_options options = {.input = "one\ntwo\n", .stdout_pipe = awaited};
  CHECK(weft_spawn(runtime, module, &options, NULL) == WEFT_OK);
  CHECK(weft_pipe_close(awaited, WEFT_PIPE_WRITE) == WEFT_OK);
  CHECK(weft_pipe_wait(awaited, WEFT_PIPE_READ, take, &calls) == WEFT_OK);
  CHECK(calls == 0);
  CHECK(weft_runtime_run(runtime) == WEFT_OK);
  CHECK(calls >= 2 && strcmp(got, "one\ntwo\n") == 0);
  CHECK(weft_pipe_free(awaited) == WEFT_OK);
  CHECK(weft_module_free(module) == WEFT_OK);
}

static int reads_pipe(void* context, weft_caller* caller, const weft_value* arguments,
                      weft_value* result) {
  char bytes[8];
  size_t n = 0;
  (void)arguments;
  CHECK(weft_caller_pipe(caller, context, WEFT_PIPE_READ) == WEFT_OK);
  CHECK(weft_pipe_read(context, bytes, sizeof bytes, &n) == WEFT_OK && n == 1);
  result->i32 = bytes[0] - '0';
  return WEFT_OK;
}

static void a_host_function_parks_its_guest_at_a_pipe_and_a_kill_ends_that(weft_runtime* runtime) {
  weft_pipe* pipe;
  weft_module* module;
  weft_guest *served, *killed;
  size_t n = 0;
  CHECK(weft_pipe_make(runtime, 1, &pipe) == WEFT_OK);
  CHECK(weft_define(runtime, "env", "f", "i", "i", reads_pipe, pipe) == WEFT_OK);
  CHECK(weft_load_bytes(runtime, "f.wasm", module_bytes, sizeof module_bytes, &module) == WEFT_OK);
  CHECK(weft_spawn(runtime, module, NULL, &served) == WEFT_OK);
  CHECK(turn_until_quiet(runtime) == 1);
  CHECK(weft_pipe_write(pipe, "78", 2, &n) == WEFT_OK && n == 1); /* It holds one byte. */
  CHECK(weft_pipe_write(pipe, "8", 1, &n) == WEFT_EAGAIN && n == 0);
  CHECK(turn_until_quiet(runtime) == 0);
  CHECK(weft_guest_state(served, NULL) == WEFT_EXITED);
  CHECK(weft_spawn(runtime, module, NULL, &killed) == WEFT_OK);
  CHECK(turn_until_quiet(runtime) == 1);
  CHECK(weft_kill(killed) == WEFT_OK);
  CHECK(turn_until_quiet(runtime) == 0);
  CHECK(weft_guest_state(killed, NULL) == WEFT_KILLED);
  CHECK(weft_pipe_free(pipe) == WEFT_OK);
  CHECK(weft_module_free(module) == WEFT_OK);
}

static void never(void* context) {
  (void)context;
  CHECK(!"called");
}

static void what_is_closed_or_makes_no_sense_is_refused(weft_runtime* runtime) {
  weft_pipe* pipe;
  weft_module* module = load_cat(runtime);
  char byte = 0;
  size_t n = 0;
  CHECK(weft_pipe_make(runtime, 0, NULL) == WEFT_EINVAL);
  CHECK(weft_pipe_make(runtime, 0, &pipe) == WEFT_OK);
  CHECK(weft_pipe_read(pipe, &byte, 0, &n) == WEFT_EINVAL);
  CHECK(weft_pipe_write(pipe, NULL, 1, &n) == WEFT_EINVAL);
  CHECK(weft_pipe_write(pipe, "x", 1, &n) == WEFT_OK && n == 1);
  CHECK(weft_pipe_write(pipe, "x", 0, &n) == WEFT_OK && n == 0);
  CHECK(weft_pipe_wait(pipe, WEFT_PIPE_READ, NULL, NULL) == WEFT_EINVAL);
  const int no_ends[] = {0, 3, 4, -1, INT_MAX, INT_MIN};
  for (size_t i = 0; i < sizeof no_ends / sizeof no_ends[0]; ++i) {
    CHECK(weft_pipe_close(pipe, no_ends[i]) == WEFT_EINVAL);
    CHECK(weft_pipe_wait(pipe, no_ends[i], never, NULL) == WEFT_EINVAL);
  }
  CHECK(weft_pipe_close(pipe, WEFT_PIPE_READ) == WEFT_OK);
  CHECK(weft_pipe_close(pipe, WEFT_PIPE_READ) == WEFT_ECLOSED);
  CHECK(weft_pipe_read(pipe, &byte, 1, &n) == WEFT_ECLOSED);
  CHECK(weft_pipe_write(pipe, "x", 1, &n) == WEFT_ECLOSED && n == 0);
  CHECK(weft_spawn(runtime, module, &(weft_guest_options){.stdin_pipe = pipe}, NULL) ==
        WEFT_ECLOSED);
  CHECK(weft_pipe_free(pipe) == WEFT_OK);
  CHECK(weft_module_free(module) == WEFT_OK);
}

int main(void) {
  const char* engines[] = {"interp", "auto"};
  for (int i = 0; i < 2; ++i) {
    weft_runtime* runtime;
    CHECK(weft_runtime_create(engines[i], &runtime) == WEFT_OK);
    bytes_go_through_two_guests_and_back(runtime);
    a_program_is_told_when_there_is_something_to_read(runtime);
    a_host_function_parks_its_guest_at_a_pipe_and_a_kill_ends_that(runtime);
    what_is_closed_or_makes_no_sense_is_refused(runtime);
    CHECK(weft_runtime_destroy(runtime) == WEFT_OK);
  }
  return 0;
}
