// SPDX-License-Identifier: Apache-2.0
/* The embedder's half of weft.h, as a C program uses it. */
#define _POSIX_C_SOURCE 200809L

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
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

static int calls;

static int good(void* context, weft_caller* caller, const weft_value* arguments,
                weft_value* result) {
  void* text;
  CHECK(context == &calls);
  CHECK(weft_caller_memory(caller, (uint32_t)arguments[0].i32, 5, &text) == WEFT_OK);
  CHECK(memcmp(text, "hello", 5) == 0);
  CHECK(weft_caller_memory(caller, 65535, 2, &text) == WEFT_EINVAL);
  CHECK(weft_caller_sleep(caller, 1000) == WEFT_OK);
  ++calls;
  result->i32 = 7;
  return WEFT_OK;
}

static int bad(void* context, weft_caller* caller, const weft_value* arguments,
               weft_value* result) {
  (void)context;
  (void)arguments;
  (void)result;
  return weft_caller_fail(caller, "no more of that");
}

static int waits(void* context, weft_caller* caller, const weft_value* arguments,
                 weft_value* result) {
  (void)context;
  (void)arguments;
  CHECK(weft_caller_park(caller) == WEFT_OK);
  result->i32 = 7;
  return WEFT_OK;
}

static void append(void* context, weft_guest* guest, const char* bytes, size_t count) {
  (void)guest;
  strncat(context, bytes, count);
}

static void forget(void* context, weft_guest* guest) {
  ++*(int*)context;
  CHECK(weft_forget(guest) == WEFT_OK);
}

static weft_module* load(weft_runtime* runtime) {
  weft_module* module;
  CHECK(weft_load_bytes(runtime, "f.wasm", module_bytes, sizeof module_bytes, &module) == WEFT_OK);
  return module;
}

static void a_host_function_is_called_and_its_failure_is_a_trap(weft_runtime* runtime) {
  weft_guest* one;
  weft_guest* two;
  char report[100];
  uint32_t code = 9;
  CHECK(weft_define(runtime, "env", "f", "i", "i", good, &calls) == WEFT_OK);
  weft_module* module = load(runtime);
  CHECK(weft_spawn(runtime, module, NULL, &one) == WEFT_OK);
  CHECK(weft_guest_state(one, NULL) == WEFT_LIVES);
  CHECK(weft_define(runtime, "env", "f", "i", "i", bad, NULL) == WEFT_OK);
  weft_module* later = load(runtime);
  CHECK(weft_spawn(runtime, later, NULL, &two) == WEFT_OK);
  CHECK(weft_runtime_run(runtime) == WEFT_OK);
  CHECK(calls == 1);
  CHECK(weft_guest_state(one, &code) == WEFT_EXITED && code == 0);
  CHECK(weft_guest_report(one, report, sizeof report) == 0);
  CHECK(weft_guest_state(two, NULL) == WEFT_TRAPPED);
  CHECK(weft_guest_report(two, report, 38) > 38);
  CHECK(strcmp(report, "host function failed: no more of that") == 0);
  CHECK(weft_module_free(module) == WEFT_OK);
  CHECK(weft_module_free(later) == WEFT_OK);
}

static void a_guest_that_parks_is_woken_or_killed(weft_runtime* runtime) {
  weft_guest* woken;
  weft_guest* killed;
  size_t live = 0;
  CHECK(weft_define(runtime, "env", "f", "i", "i", waits, NULL) == WEFT_OK);
  weft_module* module = load(runtime);
  CHECK(weft_spawn(runtime, module, NULL, &woken) == WEFT_OK);
  CHECK(weft_spawn(runtime, module, NULL, &killed) == WEFT_OK);
  for (int i = 0; i < 3; ++i) CHECK(weft_runtime_turn(runtime, 0, &live) == WEFT_OK);
  CHECK(live == 2);
  CHECK(weft_runtime_run(runtime) == WEFT_EDEADLOCK);
  CHECK(weft_wake(woken) == WEFT_OK);
  CHECK(weft_kill(killed) == WEFT_OK);
  CHECK(weft_runtime_run(runtime) == WEFT_OK);
  CHECK(weft_guest_state(woken, NULL) == WEFT_EXITED);
  CHECK(weft_guest_state(killed, NULL) == WEFT_KILLED);
  CHECK(weft_module_free(module) == WEFT_OK);
}

static void a_guest_has_streams_and_an_end_handler(weft_runtime* runtime) {
  char path[4096];
  char text[100] = "";
  int ended = 0;
  weft_module* module;
  weft_guest_options options;
  snprintf(path, sizeof path, "%s/c_cat.wasm", getenv("WEFT_GUESTS"));
  CHECK(weft_load(runtime, path, &module) == WEFT_OK);
  memset(&options, 0, sizeof options);
  options.input = "what goes in";
  options.output = append;
  options.context = text;
  CHECK(weft_spawn(runtime, module, &options, NULL) == WEFT_OK);
  memset(&options, 0, sizeof options);
  options.stdin_fd = options.stdout_fd = -1;
  options.on_end = forget;
  options.context = &ended;
  CHECK(weft_spawn(runtime, module, &options, NULL) == WEFT_OK);
  CHECK(weft_runtime_run(runtime) == WEFT_OK);
  CHECK(strcmp(text, "what goes in") == 0);
  CHECK(ended == 1);
  CHECK(weft_module_free(module) == WEFT_OK);
}

/* (module (global $sum (mut i64) (i64.const 0)) (memory 1)
 *   (func (export "add") (param i64) (result i64)
 *     (global.set $sum (i64.add (global.get $sum) (local.get 0))) (global.get $sum))
 *   (func (export "half") (param f64 i32) (result f64)
 *     (f64.div (local.get 0) (f64.convert_i32_s (local.get 1))))
 *   (func (export "fall") unreachable)) */
static const unsigned char library_bytes[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x0f, 0x03, 0x60, 0x01, 0x7e, 0x01, 0x7e,
    0x60, 0x02, 0x7c, 0x7f, 0x01, 0x7c, 0x60, 0x00, 0x00, 0x03, 0x04, 0x03, 0x00, 0x01, 0x02, 0x05,
    0x03, 0x01, 0x00, 0x01, 0x06, 0x06, 0x01, 0x7e, 0x01, 0x42, 0x00, 0x0b, 0x07, 0x15, 0x03, 0x03,
    0x61, 0x64, 0x64, 0x00, 0x00, 0x04, 0x68, 0x61, 0x6c, 0x66, 0x00, 0x01, 0x04, 0x66, 0x61, 0x6c,
    0x6c, 0x00, 0x02, 0x0a, 0x1a, 0x03, 0x0b, 0x00, 0x23, 0x00, 0x20, 0x00, 0x7c, 0x24, 0x00, 0x23,
    0x00, 0x0b, 0x08, 0x00, 0x20, 0x00, 0x20, 0x01, 0xb7, 0xa3, 0x0b, 0x03, 0x00, 0x00, 0x0b};

static weft_guest* spawn_library(weft_runtime* runtime, weft_module** module) {
  weft_guest* guest;
  const weft_guest_options options = {.name = "library", .serves = 1};
  CHECK(weft_load_bytes(runtime, "l.wasm", library_bytes, sizeof library_bytes, module) == WEFT_OK);
  CHECK(weft_spawn(runtime, *module, &options, &guest) == WEFT_OK);
  return guest;
}

static void exports_are_called_and_the_guest_keeps_its_state(weft_runtime* runtime) {
  weft_module* module;
  weft_value result;
  weft_guest* guest = spawn_library(runtime, &module);
  CHECK(weft_call(guest, "add", "I", "I", &(weft_value){.i64 = 40}, NULL) == WEFT_OK);
  CHECK(weft_call(guest, "add", "I", "I", &(weft_value){.i64 = 2}, &result) == WEFT_OK);
  CHECK(result.i64 == 42);
  const weft_value seven_by_two[] = {{.f64 = 7}, {.i32 = 2}};
  CHECK(weft_call(guest, "half", "Fi", "F", seven_by_two, &result) == WEFT_OK);
  CHECK(result.f64 == 3.5);
  CHECK(weft_call(guest, "none", "", "", NULL, NULL) == WEFT_EHOST);
  CHECK(strstr(weft_last_error(), "it exports no such function") != NULL);
  CHECK(weft_call(guest, "add", "i", "I", &result, NULL) == WEFT_EHOST);
  CHECK(weft_call(guest, "add", "x", "I", &result, NULL) == WEFT_EINVAL);
  CHECK(weft_call(guest, "fall", "", "", NULL, NULL) == WEFT_EHOST);
  CHECK(strstr(weft_last_error(), "it trapped: unreachable executed") != NULL);
  CHECK(weft_guest_state(guest, NULL) == WEFT_TRAPPED);
  CHECK(weft_call(guest, "add", "I", "I", &result, NULL) == WEFT_EHOST);
  CHECK(weft_forget(guest) == WEFT_OK);
  CHECK(weft_spawn(runtime, module, NULL, NULL) == WEFT_EHOST); /* It runs nothing by itself. */
  CHECK(weft_module_free(module) == WEFT_OK);
}

typedef struct {
  int count;
  int error;
  int64_t last;
} answers;

static void count(void* context, int error, const weft_value* result) {
  answers* seen = context;
  ++seen->count;
  seen->error = error;
  if (result != NULL) seen->last = result->i64;
}

static void calls_that_nobody_waits_for_come_back_in_their_order(weft_runtime* runtime) {
  weft_module* module;
  answers seen = {0, 0, 0};
  weft_guest* guest = spawn_library(runtime, &module);
  for (int i = 0; i < 4; ++i) {
    CHECK(weft_call_start(guest, "add", "I", "I", &(weft_value){.i64 = 10}, count, &seen) ==
          WEFT_OK);
  }
  CHECK(seen.count == 0);
  CHECK(weft_call(guest, "add", "I", "I", &(weft_value){.i64 = 2}, NULL) == WEFT_OK);
  CHECK(seen.count == 4 && seen.error == WEFT_OK && seen.last == 40);
  CHECK(weft_finish(guest) == WEFT_OK);
  CHECK(weft_runtime_run(runtime) == WEFT_OK);
  CHECK(weft_guest_state(guest, NULL) == WEFT_EXITED);
  CHECK(weft_call_start(guest, "add", "I", "I", &(weft_value){.i64 = 10}, count, &seen) == WEFT_OK);
  CHECK(weft_forget(guest) == WEFT_OK);
  CHECK(weft_runtime_run(runtime) == WEFT_OK);
  CHECK(seen.count == 5 && seen.error == WEFT_EHOST);
  CHECK(weft_module_free(module) == WEFT_OK);
}

static void a_call_comes_back_when_its_runtime_goes(const char* engine) {
  weft_runtime* runtime;
  weft_module* module;
  answers seen = {0, 0, 0};
  CHECK(weft_runtime_create(engine, &runtime) == WEFT_OK);
  weft_guest* guest = spawn_library(runtime, &module);
  CHECK(weft_call_start(guest, "add", "I", "I", &(weft_value){.i64 = 1}, count, &seen) == WEFT_OK);
  CHECK(weft_module_free(module) == WEFT_OK);
  CHECK(weft_runtime_destroy(runtime) == WEFT_OK);
  CHECK(seen.count == 1 && seen.error == WEFT_ESTOPPED);
}

static void a_loop_that_polls_waits_for_one_descriptor(weft_runtime* runtime) {
  int to_guest[2];
  int fd = -1;
  int64_t timeout = 7;
  size_t live = 1;
  char text[100] = "";
  char path[4096];
  weft_module* module;
  CHECK(pipe(to_guest) == 0);
  const weft_guest_options options = {.stdin_fd = to_guest[0], .output = append, .context = text};
  snprintf(path, sizeof path, "%s/c_cat.wasm", getenv("WEFT_GUESTS"));
  CHECK(weft_load(runtime, path, &module) == WEFT_OK);
  CHECK(weft_spawn(runtime, module, &options, NULL) == WEFT_OK);
  CHECK(weft_runtime_poll(runtime, &fd, &timeout) == WEFT_OK);
  CHECK(fd >= 0 && timeout == 0); /* It has not run yet. */
  int rounds = 0;
  for (; live > 0; ++rounds) {
    CHECK(weft_runtime_turn(runtime, 0, &live) == WEFT_OK);
    CHECK(weft_runtime_poll(runtime, &fd, &timeout) == WEFT_OK);
    if (timeout == 0) continue;
    if (to_guest[1] >= 0 && strcmp(text, "") == 0) {
      struct pollfd nothing = {.fd = fd, .events = POLLIN};
      CHECK(poll(&nothing, 1, 0) == 0); /* Nobody has written: it sleeps. */
      CHECK(write(to_guest[1], "words", 5) == 5);
    } else if (to_guest[1] >= 0) {
      close(to_guest[1]);
      to_guest[1] = -1;
    }
    struct pollfd something = {.fd = fd, .events = POLLIN};
    if (live > 0) CHECK(poll(&something, 1, 60000) == 1);
    CHECK(rounds < 1000);
  }
  CHECK(strcmp(text, "words") == 0);
  close(to_guest[0]);
  CHECK(weft_module_free(module) == WEFT_OK);
}

static void a_guest_reads_files_that_lie_in_memory(weft_runtime* runtime) {
  const weft_file list[] = {{"etc/greeting", "hello\n", 6}, {"empty", NULL, 0}};
  const char* const args[] = {"ls", "/data", NULL};
  weft_files* files;
  weft_module* module;
  char path[4096];
  char text[1000] = "";
  CHECK(weft_files_make(&(weft_file){"/absolute", "", 0}, 1, &files) == WEFT_EHOST);
  CHECK(weft_files_make(NULL, 1, &files) == WEFT_EINVAL);
  CHECK(weft_files_make(list, 2, &files) == WEFT_OK);
  const weft_guest_options options = {
      .args = args, .files = files, .files_at = "/data", .output = append, .context = text};
  snprintf(path, sizeof path, "%s/c_tree.wasm", getenv("WEFT_GUESTS"));
  CHECK(weft_load(runtime, path, &module) == WEFT_OK);
  CHECK(weft_spawn(runtime, module, &options, NULL) == WEFT_OK);
  CHECK(weft_files_free(files) == WEFT_OK); /* The guest keeps them. */
  CHECK(weft_runtime_run(runtime) == WEFT_OK);
  CHECK(strcmp(text, "empty 0\netc/greeting 6 hello\nread-only\n") == 0);
  CHECK(weft_module_free(module) == WEFT_OK);
}

static void what_makes_no_sense_is_refused(weft_runtime* runtime) {
  weft_runtime* other;
  weft_module* module;
  CHECK(weft_runtime_create("fast", &other) == WEFT_EINVAL);
  CHECK(weft_define(runtime, "env", "f", "ix", "", good, NULL) == WEFT_EINVAL);
  CHECK(weft_define(runtime, "env", "f", "i", "ii", good, NULL) == WEFT_EINVAL);
  CHECK(weft_load(runtime, "/nowhere.wasm", &module) == WEFT_EHOST);
  CHECK(strcmp(weft_last_error(), "/nowhere.wasm: No such file or directory") == 0);
  CHECK(weft_spawn(runtime, NULL, NULL, NULL) == WEFT_EINVAL);
}

int main(void) {
  const char* engines[] = {"interp", "jit", "auto"};
  for (int i = 0; i < 3; ++i) {
    weft_runtime* runtime;
    calls = 0;
    CHECK(weft_runtime_create(engines[i], &runtime) == WEFT_OK);
    a_host_function_is_called_and_its_failure_is_a_trap(runtime);
    a_guest_that_parks_is_woken_or_killed(runtime);
    a_guest_has_streams_and_an_end_handler(runtime);
    exports_are_called_and_the_guest_keeps_its_state(runtime);
    calls_that_nobody_waits_for_come_back_in_their_order(runtime);
    a_call_comes_back_when_its_runtime_goes(engines[i]);
    a_loop_that_polls_waits_for_one_descriptor(runtime);
    a_guest_reads_files_that_lie_in_memory(runtime);
    what_makes_no_sense_is_refused(runtime);
    CHECK(weft_runtime_destroy(runtime) == WEFT_OK);
  }
  return 0;
}
