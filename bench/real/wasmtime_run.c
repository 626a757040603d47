// SPDX-License-Identifier: Apache-2.0
// wasmtime as a command, made of the shared library in its Python package, which has no command and
// no headers: what this program needs of the C API is declared below.
//
//   wasmtime_run [-d HOST::GUEST]... [-e NAME=VALUE]... [-t FILE] guest.wasm [args]
//
// Nothing is cached: each run compiles the module, with all processors, as `wasmtime run -C
// cache=n` does. -t writes into FILE how many seconds that took. The guest's exit code is this
// program's; 1 when the guest traps or can't run.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
  size_t size;
  char* data;
} Bytes;

typedef struct {
  uint64_t store;
  void* of;
} Function;

typedef void Opaque;

Opaque* wasm_config_new(void);
void wasmtime_config_wasm_exceptions_set(Opaque*, bool);
Opaque* wasm_engine_new_with_config(Opaque*);
Opaque* wasmtime_store_new(Opaque*, void*, void (*)(void*));
Opaque* wasmtime_store_context(Opaque*);
Opaque* wasmtime_context_set_wasi(Opaque*, Opaque*);
Opaque* wasmtime_linker_new(Opaque*);
Opaque* wasmtime_linker_define_wasi(Opaque*);
Opaque* wasmtime_linker_module(Opaque*, Opaque*, const char*, size_t, const Opaque*);
Opaque* wasmtime_linker_get_default(Opaque*, Opaque*, const char*, size_t, Function*);
Opaque* wasmtime_func_call(Opaque*, const Function*, const void*, size_t, void*, size_t, Opaque**);
Opaque* wasmtime_module_new(Opaque*, const uint8_t*, size_t, Opaque**);
void wasmtime_error_message(const Opaque*, Bytes*);
bool wasmtime_error_exit_status(const Opaque*, int*);
void wasm_trap_message(const Opaque*, Bytes*);
Opaque* wasi_config_new(void);
bool wasi_config_set_argv(Opaque*, size_t, const char**);
bool wasi_config_set_env(Opaque*, size_t, const char**, const char**);
bool wasi_config_preopen_dir(Opaque*, const char*, const char*, bool);
void wasi_config_inherit_stdin(Opaque*);
void wasi_config_inherit_stdout(Opaque*);
void wasi_config_inherit_stderr(Opaque*);

static void need(bool good, const char* what) {
  if (good) return;
  fprintf(stderr, "wasmtime_run: %s\n", what);
  exit(1);
}

// Ends the program by what wasmtime says, if it says something.
static void done(Opaque* error) {
  if (error == NULL) return;
  int status = 0;
  if (wasmtime_error_exit_status(error, &status)) exit(status);
  Bytes text;
  wasmtime_error_message(error, &text);
  fprintf(stderr, "wasmtime_run: %.*s\n", (int)text.size, text.data);
  exit(1);
}

static uint8_t* read_file(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  need(file != NULL && fseek(file, 0, SEEK_END) == 0, path);
  *size = (size_t)ftell(file);
  rewind(file);
  uint8_t* bytes = malloc(*size);
  need(bytes != NULL && fread(bytes, 1, *size, file) == *size, path);
  fclose(file);
  return bytes;
}

static const char* compile_seconds_file = NULL;

static double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void tell_seconds(double seconds) {
  if (compile_seconds_file == NULL) return;
  FILE* file = fopen(compile_seconds_file, "w");
  need(file != NULL && fprintf(file, "%.3f\n", seconds) > 0 && fclose(file) == 0, "-t");
}

// Takes the options; returns the index of the module among the words.
static int configure(Opaque* wasi, int argc, char** argv) {
  const char* names[64];
  const char* values[64];
  size_t variables = 0;
  int at = 1;
  for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
    if (argv[at][1] == 't') {
      compile_seconds_file = argv[at + 1];
      continue;
    }
    char* value = strstr(argv[at + 1], argv[at][1] == 'd' ? "::" : "=");
    need(value != NULL && variables < 64, "an option wants HOST::GUEST or NAME=VALUE");
    *value = '\0';
    if (argv[at][1] == 'd') {
      need(wasi_config_preopen_dir(wasi, argv[at + 1], value + 2, true), argv[at + 1]);
    } else {
      names[variables] = argv[at + 1];
      values[variables++] = value + 1;
    }
  }
  need(at < argc, "no module given");
  need(wasi_config_set_env(wasi, variables, names, values), "env");
  need(wasi_config_set_argv(wasi, (size_t)(argc - at), (const char**)(argv + at)), "argv");
  wasi_config_inherit_stdin(wasi);
  wasi_config_inherit_stdout(wasi);
  wasi_config_inherit_stderr(wasi);
  return at;
}

int main(int argc, char** argv) {
  Opaque* wasi = wasi_config_new();
  const int at = configure(wasi, argc, argv);
  size_t size = 0;
  const uint8_t* bytes = read_file(argv[at], &size);
  Opaque* config = wasm_config_new();
  wasmtime_config_wasm_exceptions_set(config, true);
  Opaque* engine = wasm_engine_new_with_config(config);
  Opaque* context = wasmtime_store_context(wasmtime_store_new(engine, NULL, NULL));
  done(wasmtime_context_set_wasi(context, wasi));
  Opaque* linker = wasmtime_linker_new(engine);
  done(wasmtime_linker_define_wasi(linker));
  Opaque* module = NULL;
  const double before = seconds_now();
  done(wasmtime_module_new(engine, bytes, size, &module));
  tell_seconds(seconds_now() - before);
  done(wasmtime_linker_module(linker, context, "", 0, module));
  Function function;
  done(wasmtime_linker_get_default(linker, context, "", 0, &function));
  Opaque* trap = NULL;
  done(wasmtime_func_call(context, &function, NULL, 0, NULL, 0, &trap));
  if (trap == NULL) return 0;
  Bytes text;
  wasm_trap_message(trap, &text);
  fprintf(stderr, "wasmtime_run: %.*s\n", (int)text.size, text.data);
  return 1;
}
