// SPDX-License-Identifier: Apache-2.0
// The server of bench/connections/server.cpp on wasmtime's C API: a thread for each connection,
// with an instance of the guest in a store of its own. The library is that of wasmtime's Python
// package, which has no headers: what is needed of the C API is declared below.
//
//   server_wasmtime GUEST.wasm
//
// The module is compiled once, before the first connection. The few functions of WASI that the
// guest calls are given to it here, straight on the socket: wasmtime's own take files by name only.
#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef void Opaque;
typedef struct {
  size_t size;
  void* data;
} Vector;
typedef struct {
  uint64_t store;
  void* of;
} Function;
typedef struct {
  uint64_t store;
  uint32_t a;
  uint32_t b;
  uint32_t c;
  uint32_t d;
} Memory;
typedef struct {
  uint8_t kind;
  union {
    Function function;
    Memory memory;
    char room[24];
  } of;
} Extern;
typedef struct {
  uint8_t kind;
  union {
    int32_t i32;
    int64_t i64;
    char room[24];
  } of;
} Value;
typedef struct {
  uint64_t store;
  size_t of;
} Instance;
typedef Opaque* (*Callback)(void* environment, Opaque* caller, const Value* arguments, size_t count,
                            Value* results, size_t results_count);

enum { I32 = 0, I64 = 1 };

Opaque* wasm_engine_new(void);
Opaque* wasm_valtype_new(uint8_t kind);
void wasm_valtype_vec_new(Vector*, size_t, Opaque* const*);
Opaque* wasm_functype_new(Vector* params, Vector* results);
Opaque* wasmtime_store_new(Opaque* engine, void* data, void (*finalizer)(void*));
void wasmtime_store_delete(Opaque*);
Opaque* wasmtime_store_context(Opaque*);
void* wasmtime_context_get_data(const Opaque*);
Opaque* wasmtime_caller_context(Opaque*);
bool wasmtime_caller_export_get(Opaque*, const char*, size_t, Extern*);
uint8_t* wasmtime_memory_data(const Opaque*, const Memory*);
size_t wasmtime_memory_data_size(const Opaque*, const Memory*);
Opaque* wasmtime_linker_new(Opaque*);
Opaque* wasmtime_linker_define_func(Opaque*, const char*, size_t, const char*, size_t,
                                    const Opaque*, Callback, void*, void (*finalizer)(void*));
Opaque* wasmtime_linker_instantiate_pre(const Opaque*, const Opaque*, Opaque**);
Opaque* wasmtime_instance_pre_instantiate(const Opaque*, Opaque*, Instance*, Opaque**);
bool wasmtime_instance_export_get(Opaque*, const Instance*, const char*, size_t, Extern*);
Opaque* wasmtime_module_new(Opaque*, const uint8_t*, size_t, Opaque**);
Opaque* wasmtime_func_call(Opaque*, const Function*, const Value*, size_t, Value*, size_t,
                           Opaque**);
void wasmtime_error_message(const Opaque*, Vector*);
void wasmtime_error_delete(Opaque*);
void wasm_trap_delete(Opaque*);
Opaque* wasmtime_trap_new(const char*, size_t);

static Opaque* engine;
static Opaque* instance_pre;

static void done(Opaque* error) {
  if (error == NULL) return;
  Vector text;
  wasmtime_error_message(error, &text);
  fprintf(stderr, "server_wasmtime: %.*s\n", (int)text.size, (char*)text.data);
  exit(1);
}

static void need(bool good, const char* what) {
  if (good) return;
  perror(what);
  exit(1);
}

// [at, at + count) of the caller's memory.
static uint8_t* memory_of(Opaque* caller, int32_t at, size_t count) {
  Extern memory;
  Opaque* context = wasmtime_caller_context(caller);
  need(wasmtime_caller_export_get(caller, "memory", 6, &memory), "memory");
  const size_t size = wasmtime_memory_data_size(context, &memory.of.memory);
  need((uint32_t)at <= size && count <= size - (uint32_t)at, "an address outside");
  return wasmtime_memory_data(context, &memory.of.memory) + (uint32_t)at;
}

static int socket_of(Opaque* caller) {
  return (int)(intptr_t)wasmtime_context_get_data(wasmtime_caller_context(caller));
}

static Opaque* answer(Value* results, int32_t value) {
  results[0].kind = I32;
  results[0].of.i32 = value;
  return NULL;
}

// fd_read and fd_write: a system call for each buffer.
static Opaque* move_bytes(Opaque* caller, const Value* given, Value* results, bool reading) {
  const int fd = socket_of(caller);
  const int32_t count = given[2].of.i32;
  uint32_t all = 0;
  for (int32_t i = 0; i < count; ++i) {
    uint32_t buffer[2];
    memcpy(buffer, memory_of(caller, given[1].of.i32 + 8 * i, 8), 8);
    if (buffer[1] == 0) continue;
    uint8_t* bytes = memory_of(caller, (int32_t)buffer[0], buffer[1]);
    const ssize_t n =
        reading ? recv(fd, bytes, buffer[1], 0) : send(fd, bytes, buffer[1], MSG_NOSIGNAL);
    if (n < 0) return answer(results, 29); /* EIO */
    all += (uint32_t)n;
    if (reading) break;
  }
  memcpy(memory_of(caller, given[3].of.i32, 4), &all, 4);
  return answer(results, 0);
}

static Opaque* fd_read(void* e, Opaque* caller, const Value* given, size_t n, Value* to, size_t m) {
  (void)e, (void)n, (void)m;
  return move_bytes(caller, given, to, true);
}
static Opaque* fd_write(void* e, Opaque* caller, const Value* given, size_t n, Value* to,
                        size_t m) {
  (void)e, (void)n, (void)m;
  return move_bytes(caller, given, to, false);
}
static Opaque* fd_fdstat_get(void* e, Opaque* caller, const Value* given, size_t n, Value* to,
                             size_t m) {
  (void)e, (void)n, (void)m;
  uint8_t* stat = memory_of(caller, given[1].of.i32, 24);
  memset(stat, 0, 24);
  stat[0] = 6; /* A stream socket. */
  memset(stat + 8, 0xff, 16);
  return answer(to, 0);
}
static Opaque* not_there(void* e, Opaque* caller, const Value* given, size_t n, Value* to,
                         size_t m) {
  (void)e, (void)caller, (void)given, (void)n;
  return m > 0 ? answer(to, 70) : wasmtime_trap_new("exit", 4); /* ESPIPE */
}

static Opaque* lookup(void* e, Opaque* caller, const Value* given, size_t n, Value* to, size_t m) {
  (void)e, (void)n, (void)m;
  char value[512];
  const uint32_t room = (uint32_t)given[3].of.i32;
  const int size = snprintf(value, sizeof value, "the value of %.*s", given[1].of.i32,
                            (char*)memory_of(caller, given[0].of.i32, (uint32_t)given[1].of.i32));
  const uint32_t kept = (uint32_t)size < sizeof value ? (uint32_t)size : sizeof value - 1;
  const uint32_t fits = kept < room ? kept : room;
  memcpy(memory_of(caller, given[2].of.i32, fits), value, fits);
  return answer(to, (int32_t)fits);
}

static void define(Opaque* linker, const char* module, const char* name, const char* params,
                   bool returns, Callback function) {
  Opaque* types[8];
  Vector taken, returned;
  const size_t count = strlen(params);
  for (size_t i = 0; i < count; ++i) types[i] = wasm_valtype_new(params[i] == 'I' ? I64 : I32);
  wasm_valtype_vec_new(&taken, count, types);
  types[0] = wasm_valtype_new(I32);
  wasm_valtype_vec_new(&returned, returns ? 1 : 0, types);
  done(wasmtime_linker_define_func(linker, module, strlen(module), name, strlen(name),
                                   wasm_functype_new(&taken, &returned), function, NULL, NULL));
}

static void* serve(void* socket) {
  Opaque* store = wasmtime_store_new(engine, socket, NULL);
  Opaque* context = wasmtime_store_context(store);
  Instance instance;
  Opaque* trap = NULL;
  Extern start;
  done(wasmtime_instance_pre_instantiate(instance_pre, context, &instance, &trap));
  need(trap == NULL && wasmtime_instance_export_get(context, &instance, "_start", 6, &start),
       "_start");
  Opaque* error = wasmtime_func_call(context, &start.of.function, NULL, 0, NULL, 0, &trap);
  if (error != NULL) wasmtime_error_delete(error);
  if (trap != NULL) wasm_trap_delete(trap); /* proc_exit. */
  wasmtime_store_delete(store);
  close((int)(intptr_t)socket);
  return NULL;
}

static void load(const char* path) {
  static uint8_t bytes[1 << 20];
  FILE* file = fopen(path, "rb");
  need(file != NULL, path);
  const size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  engine = wasm_engine_new();
  Opaque* module = NULL;
  done(wasmtime_module_new(engine, bytes, size, &module));
  const char* wasi = "wasi_snapshot_preview1";
  Opaque* linker = wasmtime_linker_new(engine);
  define(linker, wasi, "fd_read", "iiii", true, fd_read);
  define(linker, wasi, "fd_write", "iiii", true, fd_write);
  define(linker, wasi, "fd_fdstat_get", "ii", true, fd_fdstat_get);
  define(linker, wasi, "fd_seek", "iIii", true, not_there);
  define(linker, wasi, "fd_close", "i", true, not_there);
  define(linker, wasi, "proc_exit", "i", false, not_there);
  define(linker, "app", "lookup", "iiii", true, lookup);
  done(wasmtime_linker_instantiate_pre(linker, module, &instance_pre));
}

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  load(argv[1]);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  need(bind(listener, (struct sockaddr*)&address, size) == 0 && listen(listener, 4096) == 0 &&
           getsockname(listener, (struct sockaddr*)&address, &size) == 0,
       "listen");
  printf("listening on port %d\n", ntohs(address.sin_port));
  fflush(stdout);
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 2 << 20); /* wasmtime's guests have 512 KiB of it. */
  pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
  for (;;) {
    const int peer = accept(listener, NULL, NULL);
    need(peer >= 0, "accept");
    pthread_t thread;
    need(pthread_create(&thread, &small, serve, (void*)(intptr_t)peer) == 0, "pthread_create");
  }
}
