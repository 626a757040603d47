// SPDX-License-Identifier: Apache-2.0
/* weft.h: green threads on one OS thread, for runtimes written in C; and, in the last part, for
 * programs in C and what can call C that run WebAssembly guests.
 *
 *   static void first(void *argument) { ... weft_osyield(); ... }
 *
 *   weft_scheduler *s;
 *   if (weft_create(NULL, &s) != WEFT_OK) ...
 *   weft_newosproc(s, first, NULL, NULL);     an emulated OS thread
 *   int error = weft_run(s);                  until all threads and Gs have ended
 *   if (error != WEFT_OK) fputs(weft_message(s), stderr);
 *   weft_destroy(s);
 *
 * Two kinds of things run: threads (Ms, made by weft_newosproc) and Gs (green threads, made by
 * weft_go, which run on the Ms). They take turns on the one OS thread that calls weft_run: that is
 * the scheduler's thread. A call that would block lets the others run. docs/port.md is the guide.
 *
 * Every function returns WEFT_OK or one of enum weft_error, unless it says otherwise; the text of
 * the last error of the calling thread is weft_last_error(). "From":
 *
 *   inside     on a G or a thread of weft; else WEFT_EOUTSIDE, and on another OS thread
 *              WEFT_EOFFTHREAD. Acts on the scheduler that runs there.
 *   G          on a G; else WEFT_ENOG.
 *   thread     on the OS thread that created the scheduler, inside or not; else WEFT_EOFFTHREAD.
 *   anywhere   on any OS thread and in signal handlers.
 *
 * A call from inside may never return: when its scheduler is destroyed or its G is killed, the code
 * leaves its stack at that point. Memory that C code holds then is lost; C++ code must not have
 * objects with destructors on the stack around a call of weft. No exception leaves a function.
 *
 * Structs are valid when all their bytes are zero, and must not move while in use. Times are in
 * nanoseconds unless the name ends in another unit; a timeout < 0 means for ever.
 */
#ifndef WEFT_H
#define WEFT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when an older program could no longer run: compare with weft_abi_version(). */
#define WEFT_ABI_VERSION 1
uint32_t weft_abi_version(void); /* From anywhere. Of the library. */

typedef struct weft_scheduler weft_scheduler; /* Good until weft_destroy. */
typedef struct weft_g weft_g;                 /* A G. Good until it has ended. */
typedef struct weft_m weft_m;                 /* A thread. Good until the scheduler is destroyed. */
/* What a G or a thread runs. */
typedef void (*weft_start)(void* argument);

/* What a function returns. */
enum weft_error {
  WEFT_OK = 0,
  WEFT_EINVAL,        /* An argument is null or makes no sense. */
  WEFT_EOFFTHREAD,    /* Called on an OS thread that is not the scheduler's. */
  WEFT_EOUTSIDE,      /* Needs a G or a thread of weft to run on. */
  WEFT_ENOG,          /* Needs a G. */
  WEFT_ERUNNING,      /* Not while the scheduler runs. */
  WEFT_ENOMEM,        /* No memory for a stack. */
  WEFT_ETHREADS,      /* More than 10,000 threads. */
  WEFT_EDEADLOCK,     /* weft_run: all sleep, and nothing can wake any; see weft_message(). */
  WEFT_ESTOPPED,      /* weft_run: weft_stop was called; weft_run may be called again. */
  WEFT_ESELFDEADLOCK, /* Lock of a lock that this thread holds. */
  WEFT_EUNLOCKED,     /* Unlock of an unlocked lock, or of another thread's. */
  WEFT_EDOUBLEWAKE,   /* Wake of a note that is awake. */
  WEFT_EBUSYNOTE,     /* A note that somebody else sleeps on. */
  WEFT_EHOLDSLOCKS,   /* A thread ended, parked its G, or had it killed, while it held locks. */
  WEFT_ENOTPARKED,    /* Ready of a G that is not parked. */
  WEFT_ETIMEDOUT,     /* The time was over first. */
  WEFT_ELACKS,        /* Strict: a real wasm target has no such thing. Or this target has none. */
  WEFT_EHOST,         /* The host refused: a descriptor that is not open, no random bytes. */
  WEFT_EINTERNAL,     /* Anything else; the text says what. */
  WEFT_ECLOSED,       /* Send to a closed channel; receive from one that is closed and empty. */
  WEFT_EAGAIN,        /* weft_chan_try_...: it would have to wait. weft_turn: not yet. */
  WEFT_EINTR          /* weft_poll_note: the note is awake. */
};

/* "WEFT_EDEADLOCK"; "?" for an unknown number. From anywhere. */
const char* weft_error_name(int error);
/* The text of the last error on this OS thread, "" without one. Until the next error there. */
const char* weft_last_error(void);

/* --- the life of a scheduler --- */

/* Whether threads are emulated. */
enum weft_behaviour {
  WEFT_EMULATED = 0, /* Threads exist, sleeping sleeps, yielding yields. */
  WEFT_STRICT = 1    /* As on a real wasm target: what is not there fails with WEFT_ELACKS. */
};

/* Of weft_create. */
typedef struct weft_config {
  uint32_t abi_version; /* WEFT_ABI_VERSION. */
  int32_t behaviour;    /* enum weft_behaviour. */
  uint64_t seed;        /* 0: random bytes from the system; else they follow from it. */
} weft_config;

/* config: NULL for the defaults. From: any thread without a scheduler that runs. */
int weft_create(const weft_config* config, weft_scheduler** scheduler);
/* Ends all threads and Gs that still run. WEFT_ERUNNING inside. From: thread. */
int weft_destroy(weft_scheduler* scheduler);
/* Runs until every G and thread has ended. WEFT_EDEADLOCK, WEFT_ESTOPPED, WEFT_EHOLDSLOCKS,
 * WEFT_ETHREADS; the others may run on: call it again. From: thread, not inside. */
int weft_run(weft_scheduler* scheduler);
/* For a loop of your own, as a tab of a browser has: handles what has come and runs what is
 * runnable for a short while (about 60 switches), and never waits. WEFT_OK: every G and thread has
 * ended. WEFT_EAGAIN: not yet; *wait (may be NULL) says in how many nanoseconds to call again: 0 at
 * once, -1 when a descriptor is ready. WEFT_EDEADLOCK: all sleep, until you start or stop
 * something. Else as weft_run. From: thread, not inside. */
int weft_turn(weft_scheduler* scheduler, int64_t* wait);
/* Makes weft_run return soon. From: thread. */
int weft_stop(weft_scheduler* scheduler);
/* Why the last weft_run ended: Go's text and a line for each G and thread. "" when all is well.
 * From: thread. Until the next weft_run. */
const char* weft_message(const weft_scheduler* scheduler);
/* "newosproc 3, osyield 120": the calls so far that a wasm target lacks. Returns the length of the
 * text without its terminator, and writes as much as fits. From: thread. */
size_t weft_lacking(const weft_scheduler* scheduler, char* text, size_t bytes);

/* From now on until the scheduler is destroyed, a G or thread that overruns its stack into the
 * guard page ends the process with Go's report of it on stderr ("stack overflow", the G, its name)
 * and code 2, in place of a bare SIGSEGV. Other faults go to the handler of before. It takes
 * SIGSEGV, SIGBUS and the alternate signal stack of this thread. From: thread. */
int weft_handle_faults(weft_scheduler* scheduler);

/* --- threads --- */

/* Makes a thread that runs start(argument) when its turn comes, and ends when that returns. thread
 * may be NULL. WEFT_ETHREADS, WEFT_ENOMEM, WEFT_ELACKS. From: thread. */
int weft_newosproc(weft_scheduler* scheduler, weft_start start, void* argument, weft_m** thread);
/* Ends the calling thread, and returns only an error. On a G: ends the G and its thread.
 * WEFT_EHOLDSLOCKS, WEFT_ELACKS, WEFT_EINVAL: in on_end. From: inside. */
int weft_exit_thread(void);
/* [*low, *high): the stack that the caller runs on, a G's or a thread's. From: inside. */
int weft_stack_bounds(void** low, void** high);
/* The thread that runs, NULL outside. */
weft_m* weft_self_m(void);
/* Lets others run. weft_osyield on a G: the G goes to the tail of the queue. _no_g, or without a G:
 * the thread goes to the tail, with its G. WEFT_ELACKS. From: inside. */
int weft_osyield(void);
int weft_osyield_no_g(void);
/* Sleeps for microseconds. weft_usleep on a G parks it; _no_g, or without a G: the thread sleeps,
 * with its G. Strict: the whole OS thread. From: inside. */
int weft_usleep(uint32_t microseconds);
int weft_usleep_no_g(uint32_t microseconds);
/* Asks the G that runs on a thread to yield at its next safe point: any function of weft that lets
 * others run, and weft_checkpoint. From: anywhere, while the scheduler exists. */
int weft_preempt(weft_m* thread);
/* Yields if the G was asked to; otherwise it costs almost nothing. From: inside. */
int weft_checkpoint(void);

/* --- Gs --- */

/* Makes a G that runs start(argument). g may be NULL. WEFT_ENOMEM. From: thread. */
int weft_go(weft_scheduler* scheduler, weft_start start, void* argument, weft_g** g);

/* Zero and NULL are the defaults. */
typedef struct weft_g_options {
  const char* name;   /* For reports: its first 23 bytes are kept. */
  size_t stack_bytes; /* 0: 64 KiB; at most 1 GiB. Rounded up to a power of two from 16 KiB. */
  /* [stack, stack + stack_bytes), of 16 KiB or more, is yours, and what start() runs on. It is in
   * use until on_end, or the end of start(). weft sets no guard page, and keeps 16 KiB of its own
   * besides, on which the G begins and ends. */
  void* stack;
  /* The G has ended, was killed before it ran, or goes with its scheduler. On weft's stack: it may
   * free yours, and ready others; it must not wait. A kill of its G finds nothing more to end. */
  void (*on_end)(void* user);
  void* user; /* weft_g_user. */
} weft_g_options;

/* As weft_go. Address space for the stack is set aside, memory is used as it is touched. A frame
 * that is larger than a page may step over the guard page below: compile with
 * -fstack-clash-protection. WEFT_ENOMEM, WEFT_EINVAL. From: thread. */
int weft_go_with(weft_scheduler* scheduler, weft_start start, void* argument,
                 const weft_g_options* options, weft_g** g);
/* The running G, NULL when there is none. */
weft_g* weft_self_g(void);
/* From 1, in the order in which they are made; no two of one scheduler have the same. */
uint64_t weft_g_id(const weft_g* g);
/* "" without a name. Until the G has ended, or weft_g_set_name. From: thread. */
const char* weft_g_name(const weft_g* g);
int weft_g_set_name(weft_g* g, const char* name);
/* A pointer that is yours, NULL at first. From: thread. */
void* weft_g_user(const weft_g* g);
int weft_g_set_user(weft_g* g, void* user);

/* Waits until weft_ready with this G. WEFT_EHOLDSLOCKS. From: G. */
int weft_park(void);
/* At most timeout. WEFT_ETIMEDOUT, WEFT_EHOLDSLOCKS. From: G. */
int weft_park_for(int64_t timeout);
/* The G goes to the tail of the queue. WEFT_ENOTPARKED. From: inside. */
int weft_ready(weft_g* g);
/* To the head: it runs next, as Go's runnext. With weft_park() or weft_osyield() behind it the
 * running G hands the thread straight on. In 64 switches the first 32 such calls do that; others
 * are weft_ready, so that Gs that hand on to each other hold nobody up for ever. WEFT_ENOTPARKED.
 * From: inside. */
int weft_ready_next(weft_g* g);
/* Ends a G: it leaves the function of weft that it waits in, or calls next, and never returns to
 * its C code. Of the running G: at once. WEFT_EHOLDSLOCKS: the thread that runs it, or sleeps with
 * it, holds locks. WEFT_EINVAL: it has ended. WEFT_ELACKS: another G than the running one, on
 * wasm32-wasi, which can't unwind. From: inside. */
int weft_kill_g(weft_g* g);
/* The G runs on this thread alone, and the thread runs no other G. Nests. From: G. */
int weft_lock_os_thread(void);
int weft_unlock_os_thread(void);

/* --- locks: a waiter sleeps, with its thread --- */

/* Held by a thread. */
typedef struct weft_lock {
  uintptr_t opaque[4]; /* weft's own. */
} weft_lock;

/* WEFT_ESELFDEADLOCK. From: inside. */
int weft_lock_acquire(weft_lock* lock);
/* WEFT_EUNLOCKED. From: inside. */
int weft_lock_release(weft_lock* lock);

/* --- notes: an event that happens once, with one waiter --- */

/* Asleep, or awake. */
typedef struct weft_note {
  uintptr_t opaque[2]; /* weft's own. */
} weft_note;

/* From: inside. */
int weft_note_clear(weft_note* note);
/* The thread sleeps, with its G. WEFT_ETIMEDOUT, WEFT_EBUSYNOTE, WEFT_ELACKS. From: inside. */
int weft_note_sleep(weft_note* note, int64_t timeout);
/* The G alone is parked. WEFT_ETIMEDOUT, WEFT_EBUSYNOTE. From: G. */
int weft_note_sleep_g(weft_note* note, int64_t timeout);
/* WEFT_EDOUBLEWAKE. From: inside. */
int weft_note_wake(weft_note* note);

/* --- for Gs, as Go's: a waiter is parked, and others run on its thread ---
 *
 * Each is made on the heap and must be freed: from the scheduler's thread, or when it does not run.
 * All others From: G, and WEFT_EHOLDSLOCKS. docs/library.md tells the order in which waiters go on.
 */

typedef struct weft_chan weft_chan;   /* A channel of pointers. */
typedef struct weft_mutex weft_mutex; /* A lock of a G. */
typedef struct weft_group weft_group; /* A counter to wait for. */

/* A channel of pointers that buffers up to capacity of them. WEFT_EINVAL: more than fits. */
int weft_chan_make(size_t capacity, weft_chan** chan);
/* Gs that wait for it go on waiting. */
int weft_chan_free(weft_chan* chan);
/* WEFT_ECLOSED, also when it is closed meanwhile. */
int weft_chan_send(weft_chan* chan, void* value);
/* WEFT_ECLOSED: *value is NULL. */
int weft_chan_recv(weft_chan* chan, void** value);
/* The same without waiting. WEFT_EAGAIN, WEFT_ECLOSED. */
int weft_chan_try_send(weft_chan* chan, void* value);
int weft_chan_try_recv(weft_chan* chan, void** value);
/* All waiters go on. WEFT_ECLOSED: it was closed before. */
int weft_chan_close(weft_chan* chan);

/* Unlocked. */
int weft_mutex_make(weft_mutex** mutex);
/* WEFT_EINVAL: it is locked or waited for. */
int weft_mutex_free(weft_mutex* mutex);
/* First come, first served. */
int weft_mutex_lock(weft_mutex* mutex);
/* WEFT_EUNLOCKED. Another G than the one that locked it may unlock it. */
int weft_mutex_unlock(weft_mutex* mutex);

/* With a count of 0. */
int weft_group_make(weft_group** group);
/* WEFT_EINVAL: its count is not 0. */
int weft_group_free(weft_group* group);
/* WEFT_EINVAL: the count would be negative, or beyond 2^63 - 1. */
int weft_group_add(weft_group* group, int64_t delta);
/* Until the count is 0. */
int weft_group_wait(weft_group* group);

/* --- futexes, and a thread's semaphore --- */

/* Sleeps if *address == value; the thread does, with its G. WEFT_OK also when the value was
 * another. WEFT_ETIMEDOUT, WEFT_ELACKS. From: inside. */
int weft_futex_wait(const uint32_t* address, uint32_t value, int64_t timeout);
/* Wakes at most count, first come first; woken (may be NULL): how many. WEFT_ELACKS. From: inside.
 */
int weft_futex_wake(const uint32_t* address, uint32_t count, uint32_t* woken);
/* Each wake lets one sleep of that thread through, now or later. WEFT_ETIMEDOUT, WEFT_ELACKS.
 * From: inside. */
int weft_sema_sleep(int64_t timeout);
int weft_sema_wake(weft_m* thread);

/* --- the host --- */

/* Monotonic nanoseconds. From: inside; elsewhere 0. */
int64_t weft_nanotime(void);
/* The time since 1970. From: inside. */
int weft_walltime(int64_t* seconds, int32_t* nanoseconds);
/* Fills the buffer. WEFT_EHOST. From: inside. */
int weft_random(void* buffer, size_t bytes);

/* Of weft_pollfd. */
enum weft_poll_events { WEFT_POLL_READ = 1, WEFT_POLL_WRITE = 2, WEFT_POLL_HANGUP = 4 };

/* As poll(2)'s. */
typedef struct weft_pollfd {
  int32_t fd;      /* A descriptor of the host. */
  int16_t events;  /* WEFT_POLL_READ, WEFT_POLL_WRITE or both. */
  int16_t revents; /* Set by weft_poll. HANGUP: closed or failed. */
} weft_pollfd;

/* Waits until one of the descriptors is ready. A G is parked meanwhile; a thread sleeps. Files are
 * always ready. A negative descriptor, or one without events, is skipped: its revents is 0.
 * There may be any number of entries, and a descriptor may be named more than once. ready (may be
 * NULL): how many have revents. WEFT_ETIMEDOUT, WEFT_EINVAL (unknown bits in events), WEFT_EHOST (a
 * descriptor is not open). From: inside. */
int weft_poll(weft_pollfd* fds, size_t count, int64_t timeout, size_t* ready);
/* The same until the note is awake: WEFT_EINTR, when no descriptor is ready then. Another G or
 * thread interrupts the wait by weft_note_wake. A note may be NULL. WEFT_EBUSYNOTE.
 * From: inside. */
int weft_poll_note(weft_pollfd* fds, size_t count, int64_t timeout, weft_note* note, size_t* ready);

/* --- guests: for who embeds ---
 *
 *   weft_runtime *r;
 *   weft_module *m;
 *   if (weft_runtime_create(NULL, &r) != WEFT_OK) ...
 *   weft_define(r, "env", "add", "ii", "i", add, NULL);
 *   if (weft_load(r, "guest.wasm", &m) != WEFT_OK) puts(weft_last_error());
 *   weft_spawn(r, m, NULL, NULL);
 *   weft_runtime_run(r);
 *   weft_runtime_destroy(r);
 *
 * A runtime belongs to the OS thread that created it: all of these are From: that thread, inside a
 * host function or an end handler too where it says so; else WEFT_EOFFTHREAD. It has a scheduler of
 * its own, which the functions above do not act on.
 */

typedef struct weft_runtime weft_runtime; /* Good until weft_runtime_destroy. */
typedef struct weft_module weft_module;   /* Good until weft_module_free. */
typedef struct weft_guest weft_guest;     /* Good until it is forgotten. */
typedef struct weft_caller weft_caller;   /* Who called a host function. Good until that returns. */

/* A parameter or a result. */
typedef union weft_value {
  int32_t i32; /* 'i' */
  int64_t i64; /* 'I' */
  float f32;   /* 'f' */
  double f64;  /* 'F' */
} weft_value;

/* Anything but WEFT_OK ends the guest that called, with a trap; weft_caller_fail says why. It runs
 * on the guest's G, with 48 KiB of stack for certain. */
typedef int (*weft_host_function)(void* context, weft_caller* caller, const weft_value* arguments,
                                  weft_value* result);
/* Is given what a guest writes, on its G, where it may wait. */
typedef void (*weft_output)(void* context, weft_guest* guest, const char* bytes, size_t count);
/* Is told that a guest has ended. It may spawn, kill and forget; it must not wait. */
typedef void (*weft_end_handler)(void* context, weft_guest* guest);

/* engine: "auto", "jit", "aot", "interp"; NULL: "auto". WEFT_EINVAL: there is no such engine. */
int weft_runtime_create(const char* engine, weft_runtime** runtime);
/* Ends the guests that are left. WEFT_ERUNNING: inside. */
int weft_runtime_destroy(weft_runtime* runtime);

/* Gives modules that are loaded from now on a function to import. params and result: a letter for
 * each, i I f F = i32 i64 f32 f64; at most 16, and one result or "". WEFT_EINVAL. */
int weft_define(weft_runtime* runtime, const char* module, const char* name, const char* params,
                const char* result, weft_host_function function, void* context);

/* Reads and validates a module. WEFT_EHOST: it can't be read, or run; weft_last_error() says why.
 * Inside too. */
int weft_load(weft_runtime* runtime, const char* path, weft_module** module);
int weft_load_bytes(weft_runtime* runtime, const char* name, const void* bytes, size_t count,
                    weft_module** module);
/* Its guests run on. Inside too. */
int weft_module_free(weft_module* module);

/* A read-only directory that lies in memory; guests get it by weft_guest_options. */
typedef struct weft_files weft_files;
/* One of them. */
typedef struct weft_file {
  const char* path;  /* "a/b": relative. The directories on the way are made. */
  const char* bytes; /* NULL when there are none. */
  size_t size;       /* How many bytes. */
} weft_file;
/* All is copied. Each file, and each directory, takes a descriptor of the process until
 * weft_files_free and the end of the last guest that uses it. WEFT_EHOST: a path that is empty,
 * absolute, not UTF-8, has "." or ".." in it or is there twice. From: any thread. */
int weft_files_make(const weft_file* list, size_t count, weft_files** files);
/* Guests that have it keep it. From: any thread. */
int weft_files_free(weft_files* files);

/* A stream that lies in memory: what is written to one end is read from the other, in order, as a
 * pipe of the kernel's. A guest has an end by weft_guest_options, the program both by the functions
 * below: so it leads from the program to a guest, from a guest to the program, or from guest to
 * guest. A guest that finds it empty, or full, is parked. (A socket, a file and a pipe of the
 * kernel's are given as descriptors.) */
typedef struct weft_pipe weft_pipe;
/* Its ends. They are passed as int, so that another value is WEFT_EINVAL. */
enum weft_pipe_end { WEFT_PIPE_READ = 1, WEFT_PIPE_WRITE = 2 };
/* Is called once, on a G of the runtime; it must not wait. */
typedef void (*weft_pipe_ready)(void* context);

/* capacity: how many bytes it holds; 0: 65536. Inside too. */
int weft_pipe_make(weft_runtime* runtime, size_t capacity, weft_pipe** pipe);
/* Guests that have an end keep it. Inside too. */
int weft_pipe_free(weft_pipe* pipe);
/* The program lets go of that end: close the one that a guest has, or the stream has no end. Once
 * everybody has let go of the writing end, reading ends when all is read; of the reading end,
 * writing fails. WEFT_ECLOSED: it has been closed. Inside too. */
int weft_pipe_close(weft_pipe* pipe, int end);
/* Writes what there is room for: *written bytes, at least 1; 0 when count is 0. WEFT_EAGAIN: there
 * is no room. WEFT_ECLOSED: nobody can read it any more, or the end was closed. Inside too. */
int weft_pipe_write(weft_pipe* pipe, const void* bytes, size_t count, size_t* written);
/* Reads what is there: *count bytes; 0: the end. WEFT_EAGAIN: nothing is there yet. WEFT_ECLOSED:
 * the end was closed. WEFT_EINVAL: room is 0. Inside too. */
int weft_pipe_read(weft_pipe* pipe, void* bytes, size_t room, size_t* count);
/* Calls ready(context) when a call for that end would not say WEFT_EAGAIN; not when the runtime is
 * destroyed before. The end stays open until then. WEFT_ECLOSED, WEFT_ENOMEM. Inside too. */
int weft_pipe_wait(weft_pipe* pipe, int end, weft_pipe_ready ready, void* context);

/* Zero and NULL are the defaults. Strings are copied. */
typedef struct weft_guest_options {
  const char* name;         /* For reports. */
  const char* const* args;  /* args[0] too; ends with NULL. */
  const char* const* env;   /* "K=V"; ends with NULL. */
  const char* const* dirs;  /* A path of the host, its name for the guest, ...; ends with NULL. */
  const weft_files* files;  /* A read-only directory in memory. */
  const char* files_at;     /* Its name for the guest; NULL: "/". */
  const char* input;        /* All of stdin, in place of stdin_fd. */
  int32_t stdin_fd;         /* Descriptors, duplicated; -1: /dev/null. */
  int32_t stdout_fd;        /* 0: as 1. */
  int32_t stderr_fd;        /* 0: as 2. */
  weft_output output;       /* What is written to stdout, in place of stdout_fd. */
  weft_output error_output; /* The same of stderr. */
  weft_end_handler on_end;  /* It may spawn, kill and forget; it must not wait. */
  void* context;            /* Of these three, and of weft_guest_context. */
  uint64_t memory_bytes;    /* Limits; 0: none. */
  uint64_t output_bytes;    /* What it may write; 0: no limit. */
  uint64_t descriptors;     /* 0: 4096. */
  int64_t time;             /* Nanoseconds from now on. */
  /* Not 0: it runs _initialize, if the module exports that, and then what weft_call asks for, until
   * weft_finish; in place of all that it would run by itself. */
  int32_t serves;
  weft_pipe* stdin_pipe;  /* Its reading end, in place of the others of stdin. */
  weft_pipe* stdout_pipe; /* The writing end, in place of the others of stdout. */
  weft_pipe* stderr_pipe; /* The same of stderr. */
} weft_guest_options;

/* Makes a guest, which runs when its turn comes. options and guest may be NULL. WEFT_EHOST.
 * WEFT_ECLOSED: that end of a pipe was closed. Inside too. */
int weft_spawn(weft_runtime* runtime, weft_module* module, const weft_guest_options* options,
               weft_guest** guest);
/* Runs until all guests have ended. WEFT_EDEADLOCK: those that are left wait for ever. */
int weft_runtime_run(weft_runtime* runtime);
/* For a loop of your own: handles what there is to do for some turns of the guests, or waits for
 * it, timeout nanoseconds at most. live (may be NULL): how many guests have not ended. */
int weft_runtime_turn(weft_runtime* runtime, int64_t timeout, size_t* live);

/* For a loop that polls: fd becomes readable when there is something to do, timeout is how many
 * nanoseconds to wait for that at most: 0 (there is), or -1. Then call weft_runtime_turn with a
 * timeout of 0, and this again. fd is the runtime's: only poll it. WEFT_ELACKS: Asio was built
 * without epoll. */
int weft_runtime_poll(weft_runtime* runtime, int* fd, int64_t* timeout);

/* Calls a function that a guest exports which `serves`, with types as in weft_define, and runs the
 * runtime, all guests, until it has returned. arguments: one for each letter of params; out: NULL,
 * or for the result. WEFT_EHOST: there is no such function, it has another type, or the guest
 * ended; weft_last_error() says how. WEFT_EDEADLOCK. WEFT_ERUNNING: inside. */
int weft_call(weft_guest* guest, const char* function, const char* params, const char* result,
              const weft_value* arguments, weft_value* out);
/* Is called once, on a G of the runtime or in weft_runtime_destroy (WEFT_ESTOPPED). It must not
 * wait. result is NULL when error is not WEFT_OK. */
typedef void (*weft_call_done)(void* context, int error, const weft_value* result);
/* As weft_call, without waiting. Calls of one guest run one after the other, in the order of these
 * calls. Inside too. */
int weft_call_start(weft_guest* guest, const char* function, const char* params, const char* result,
                    const weft_value* arguments, weft_call_done done, void* context);
/* A guest that serves ends, with exit code 0, when the call under way has returned. Inside too. */
int weft_finish(weft_guest* guest);

/* Ends it, whatever it does; nothing happens to one that has ended. Inside too. */
int weft_kill(weft_guest* guest);
/* Drops what is kept of one that has ended. WEFT_EINVAL: it has not. Inside too. */
int weft_forget(weft_guest* guest);
/* weft_guest_options::context. Inside too. */
void* weft_guest_context(const weft_guest* guest);

/* How far a guest is. */
enum weft_guest_state { WEFT_LIVES, WEFT_EXITED, WEFT_TRAPPED, WEFT_KILLED };
/* How it ended; code (may be NULL): what it exited with. Inside too. */
enum weft_guest_state weft_guest_state(const weft_guest* guest, uint32_t* code);
/* "unreachable executed, at offset 0x176: f, main". Returns the length of the text without its
 * terminator, and writes as much as fits. "" when it was no trap. Inside too. */
size_t weft_guest_report(const weft_guest* guest, char* text, size_t bytes);

/* In a host function only. */
weft_guest* weft_caller_guest(weft_caller* caller);
/* [at, at + count) of the guest's memory. WEFT_EINVAL: a byte lies outside. */
int weft_caller_memory(weft_caller* caller, uint32_t at, uint32_t count, void** bytes);
/* Keeps the text for the guest's report and returns WEFT_EHOST: return weft_caller_fail(...). */
int weft_caller_fail(weft_caller* caller, const char* text);
/* Parks the guest for nanoseconds; the others run. It does not return when the guest is killed
 * meanwhile: what the C code holds then it holds for ever. */
int weft_caller_sleep(weft_caller* caller, int64_t nanoseconds);
/* Parks the guest until weft_pipe_read, or weft_pipe_write, would not say WEFT_EAGAIN. As
 * weft_caller_sleep. */
int weft_caller_pipe(weft_caller* caller, weft_pipe* pipe, int end);
/* Parks the guest until weft_wake; returns at once when that was called since the last time. As
 * weft_caller_sleep. */
int weft_caller_park(weft_caller* caller);
/* Inside too. */
int weft_wake(weft_guest* guest);

#ifdef __cplusplus
}
#endif

#endif
