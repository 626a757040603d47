// SPDX-License-Identifier: Apache-2.0
/* The embedder's half of weft.h, as a C program uses it. */
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
    what_makes_no_sense_is_refused(runtime);
    CHECK(weft_runtime_destroy(runtime) == WEFT_OK);
  }
  return 0;
}
