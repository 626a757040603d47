#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How late a tick comes beside guests that want to keep the thread for themselves.

    tests/host/worst_tick.py WEFT [--engine NAME]... [--load TEXT] [--ticks N] [--limit MS]
                             [--runs N] [--seconds N] [--before WORDS] [--json FILE]

A guest that sleeps 10 ms N times runs beside each hostile load, on each engine of `weft engines`,
or on those that are named. Prints the worst lateness of a tick in milliseconds, a row for each load
and a column for each engine; "alone" is the tick beside nothing, which is what the machine gives.
With --runs each is run so often, and the least of its worst ticks counts. With --limit it fails
when a tick was later. The loads are the table LOADS: WebAssembly text or C.

Beside other work, --before "nice -n -20" (as root) gives what is measured most of it.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TIMEOUT_S = 120

TICK = r"""
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ll + t.tv_nsec;
}
int main(int argc, char** argv) {
  long long worst = 0;
  for (int i = atoi(argv[1]); i > 0; i--) {
    const long long before = now();
    const struct timespec pause = {.tv_nsec = 10000000};
    nanosleep(&pause, NULL);
    const long long late = now() - before - 10000000;
    if (late > worst) worst = late;
  }
  printf("worst %lld us\n", worst / 1000);
  return 0;
}
"""

Load = collections.namedtuple("Load", "name kind source args options")


def wat(name, body, head="", options=()):
    """A command whose _start is `body`; `head` stands before it: memory, tables, functions."""
    imports = """
      (import "wasi_snapshot_preview1" "clock_time_get"
        (func $clock (param i32 i64 i32) (result i32)))
      (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))"""
    return Load(name, "wat", f"(module {imports} {head}\n(func (export \"_start\") "
                f"(local $i i32) (local $x i64) {body}))", [], list(options))


def c(name, source, *args, options=()):
    """A C program; {folder} in an option becomes a folder of its own."""
    return Load(name, "c", source, list(args), list(options))


def forever(body):
    return f"(loop $again {body} (br $again))"


# Calls of WASI that ask the host for much at once. argv[1] names one; each goes on for ever.
CALLS = r"""
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>
enum { kMiB = 1 << 20, kPieces = 1024, kFiles = 5000 };
static uint8_t big[kMiB];
static __wasi_iovec_t in[kPieces];
static __wasi_ciovec_t out[65536];
static __wasi_size_t n;
static __wasi_fd_t fd;
static int file(const char* name) { return open(name, O_RDWR | O_CREAT | O_TRUNC, 0666); }
static int is(const char* word, const char* name) { return strcmp(word, name) == 0; }
static void* poll_of(unsigned count, uint8_t type) {
  __wasi_subscription_t* all = calloc(count, sizeof *all);
  for (unsigned i = 0; i < count; i++) {
    all[i].u.tag = type;
    all[i].u.u.fd_read.file_descriptor = 1;
  }
  all[0].u.tag = __WASI_EVENTTYPE_CLOCK;
  memset(&all[0].u.u, 0, sizeof all[0].u.u);
  all[0].u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
  all[0].u.u.clock.timeout = 1000000;
  return all;
}
int main(int argc, char** argv) {
  const char* what = argv[1];
  for (int i = 0; i < kPieces; i++) in[i] = (__wasi_iovec_t){big, kMiB};
  for (int i = 0; i < kPieces; i++) out[i] = (__wasi_ciovec_t){big, kMiB};
  if (is(what, "pread")) {
    const int f = file("/sparse");
    (void)!__wasi_fd_filestat_set_size(f, 1ull << 32);
    for (;;) (void)!__wasi_fd_pread(f, in, kPieces, 0, &n);
  } else if (is(what, "pwrite")) {
    const int f = file("/large");
    for (;;) (void)!__wasi_fd_pwrite(f, out, 256, 0, &n);
  } else if (is(what, "allocate")) {
    for (;;) {
      const int f = file("/allocated");
      (void)!__wasi_fd_allocate(f, 0, 1ull << 30);
      (void)!__wasi_fd_filestat_set_size(f, 0);
      (void)!__wasi_fd_close(f);
    }
  } else if (is(what, "sync")) {
    const int f = file("/synced");
    for (;;) {
      (void)!__wasi_fd_write(f, out, 1, &n);
      (void)!__wasi_fd_sync(f);
    }
  } else if (is(what, "empty")) {
    memset(out, 0, sizeof out);
    for (;;) (void)!__wasi_fd_write(1, out, 65536, &n);
  } else if (is(what, "path")) {
    memset(big, 'a', sizeof big - 1);
    for (;;) (void)!__wasi_path_open(3, 0, (char*)big, 0, 0, 0, 0, &fd);
  } else if (is(what, "deep")) {
    for (int i = 0; i < 4090; i += 2) memcpy(big + i, "./", 3);
    __wasi_filestat_t about;
    for (;;) (void)!__wasi_path_filestat_get(3, 0, (char*)big, &about);
  } else if (is(what, "list")) {
    char name[32];
    for (int i = 0; i < kFiles; i++) {
      snprintf(name, sizeof name, "/file-%d", i);
      const int f = file(name);
      if (f >= 0) (void)!__wasi_fd_close(f);
    }
    for (;;) (void)!__wasi_fd_readdir(3, big, sizeof big, 0, &n);
  } else if (is(what, "open")) {
    for (;;) {
      for (int i = 0; i < 1000; i++) (void)!__wasi_path_open(3, 0, ".", 2, 0, 0, 0, &fd);
      for (int i = 4; i < 1004; i++) (void)!__wasi_fd_close(i);
    }
  } else if (is(what, "poll writes") || is(what, "poll reads")) {
    const unsigned count = is(what, "poll writes") ? 65536 : 15000;
    const uint8_t type = is(what, "poll writes") ? __WASI_EVENTTYPE_FD_WRITE
                                                 : __WASI_EVENTTYPE_FD_READ;
    __wasi_event_t* events = calloc(count, sizeof *events);
    void* all = poll_of(count, type);
    for (;;) (void)!__wasi_poll_oneoff(all, events, count, &n);
  }
  return 1;
}
"""


def calls(name, what):
    return c(name, CALLS, what, options=["--dir", "{folder}::/"])


MEMORY = '(memory (export "memory") {})'
GIB = 16384  # In pages.
ALL_BUT_ONE_PAGE = GIB * 65536 - 65536

LOADS = [
    wat("nothing in a loop", forever("")),
    wat("calls of long leaves", forever("(call $leaf)" * 1000),
        "(global $g (mut f64) (f64.const 3.7)) (func $leaf global.get $g "
        + "f64.sqrt " * 1000 + "global.set $g)"),
    wat("calls of leaves through a table", forever("(call_indirect (i32.const 0))" * 1000),
        "(global $g (mut f64) (f64.const 3.7)) (table 1 funcref) (elem (i32.const 0) $leaf)"
        "(func $leaf global.get $g " + "f64.sqrt " * 200 + "global.set $g)"),
    wat("200,000 divisions in a row", forever(
        "local.get $x " + "i64.const -77 i64.div_s i64.const 3 i64.rem_u i64.const 99 i64.or "
        * 66_000 + "local.set $x")),
    wat("loads that miss the cache", forever(
        ("(local.set $i (i32.and (i32.const 0x3ffffff8) (i32.add (i32.const 1013904223) (i32.add "
         "(i32.load (local.get $i)) (i32.mul (local.get $i) (i32.const 1664525))))))") * 250),
        MEMORY.format(GIB)),
    wat("first touches of 1 GiB", forever(
        "(i32.store (local.get $i) (i32.const 1)) (local.set $i (i32.and (i32.const 0x3fffffff) "
        "(i32.add (local.get $i) (i32.const 4096))))" * 250), MEMORY.format(GIB)),
    wat("recursion without end", "(call $again)", "(func $again (call $again) (call $again))"),
    wat("recursion that returns", forever("(drop (call $fib (i32.const 30)))"),
        """(func $fib (param i32) (result i32)
           (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (i32.const 1))
             (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                            (call $fib (i32.sub (local.get 0) (i32.const 2)))))))"""),
    wat("a br_table of 1,000 cases", forever(
        "(block " * 1000 + "(br_table " + " ".join(map(str, range(1000)))
        + " (i32.rem_u (local.get $i) (i32.const 1000)))"
        + ") (local.set $i (i32.add (local.get $i) (i32.const 7)))" * 1000)),
    wat("memory.fill of 1 GiB", forever(
        f"(memory.fill (i32.const 0) (i32.const 1) (i32.const {ALL_BUT_ONE_PAGE}))"),
        MEMORY.format(GIB)),
    wat("memory.copy of 1 GiB onto itself", forever(
        f"(memory.copy (i32.const 0) (i32.const 4097) (i32.const {ALL_BUT_ONE_PAGE}))"
        f"(memory.copy (i32.const 4097) (i32.const 0) (i32.const {ALL_BUT_ONE_PAGE}))"),
        MEMORY.format(GIB)),
    wat("memory.init of 1 MB", forever(
        "(memory.init $d (i32.const 0) (i32.const 0) (i32.const 1000000))" * 100),
        MEMORY.format(32) + '(data $d "' + "x" * 1_000_000 + '")'),
    wat("memory.grow page by page", forever(
        "(drop (memory.grow (i32.const 1)))" * 1000), MEMORY.format(1)),
    wat("memory.grow of what is full", """
        (loop $fill
          (memory.fill (i32.mul (i32.sub (memory.size) (i32.const 1)) (i32.const 65536))
                       (i32.const 1) (i32.const 65536))
          (br_if $fill (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))"""
        + forever(""), MEMORY.format(1)),
    wat("table.grow one by one", forever(
        "(drop (table.grow 0 (ref.null func) (i32.const 1)))" * 1000), "(table 1 funcref)"),
    wat("table.fill of 900,000", forever(
        "(table.fill 0 (i32.const 0) (ref.func $f) (i32.const 900000))" * 100),
        "(table 900000 funcref) (elem declare func $f) (func $f)"),
    wat("table.copy of 800,000", forever(
        "(table.copy (i32.const 0) (i32.const 99999) (i32.const 800000))"
        "(table.copy (i32.const 99999) (i32.const 0) (i32.const 800000))" * 100),
        "(table 900000 funcref)"),
    wat("1,000 calls of the host in a row", forever(
        "(drop (call $clock (i32.const 1) (i64.const 0) (i32.const 0)))" * 1000),
        MEMORY.format(1)),
    wat("random bytes, 64 KiB at a time", forever(
        "(drop (call $random (i32.const 0) (i32.const 65536)))" * 1000), MEMORY.format(1)),
    wat("random bytes, 512 MiB at a time", forever(
        "(drop (call $random (i32.const 0) (i32.const 0x20000000)))"), MEMORY.format(GIB)),
    wat("writes of a byte", forever(
        "(drop (call $write (i32.const 2) (i32.const 8) (i32.const 1) (i32.const 0)))" * 1000),
        MEMORY.format(1) + r'(data (i32.const 8) "\10\00\00\00\01\00\00\00\20")',
        options=["--output", "1G"]),
    wat("ends with 1 GiB in use",
        f"(memory.fill (i32.const 0) (i32.const 1) (i32.const {ALL_BUT_ONE_PAGE}))",
        MEMORY.format(GIB)),
    calls("fd_pread of 1 GiB", "pread"),
    calls("fd_pwrite of 256 MiB", "pwrite"),
    calls("fd_allocate of 1 GiB", "allocate"),
    calls("fd_sync of a MiB", "sync"),
    calls("fd_write of 65,536 empty pieces", "empty"),
    calls("path_open of a path of 1 MiB", "path"),
    calls("path_filestat_get, 2,045 parts", "deep"),
    calls("fd_readdir of 5,000 files", "list"),
    calls("1,000 directories opened, closed", "open"),
    calls("poll_oneoff, 65,536 writes", "poll writes"),
    calls("poll_oneoff, 15,000 reads", "poll reads"),
]


def build(name, kind, source, folder):
    stem = re.sub(r"\W+", "_", name)
    text, module = folder / f"{stem}.{kind}", folder / f"{stem}.wasm"
    text.write_text(source)
    command = (["wat2wasm", text, "-o", module] if kind == "wat" else
               ["clang", "--target=wasm32-wasi", "-O1", "-w", text, "-o", module])
    subprocess.run(command, check=True)
    return module


def engines_of(weft):
    """The first word of each line of `weft engines`."""
    said = subprocess.run([weft, "engines"], check=True, capture_output=True, text=True).stdout
    return [line.split()[0] for line in said.splitlines()]


def worst_tick(options, engine, tick, load, module, folder):
    """Milliseconds, or what went wrong."""
    run = [*options.before.split(), options.weft, "run", f"--engine={engine}", tick,
           str(options.ticks)]
    if load is not None:
        data = folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        of_load = [option.replace("{folder}", str(data)) for option in load.options]
        run += [":::", "--deadline", f"{options.seconds}s", *of_load, module, *load.args]
    try:
        done = subprocess.run(run, capture_output=True, text=True, errors="replace",
                              timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"> {TIMEOUT_S} s"
    found = re.search(r"worst (\d+) us", done.stdout)
    return int(found[1]) / 1000 if found else f"code {done.returncode}"


def measure(options, folder):
    tick = build("tick", "c", TICK, folder)
    loads = [load for load in LOADS if options.load in load.name]
    engines = options.engine or engines_of(options.weft)
    print(f"{'worst tick, ms':<36}" + "".join(f"{engine:>12}" for engine in engines))
    rows = {}
    for load in [None, *loads]:
        name = "alone" if load is None else load.name
        module = None if load is None else build(*load[:3], folder)
        for engine in engines:
            if engine == "aot":  # A compilation holds up the ticks' start, not the ticks.
                wanted = [path for path in (tick, module) if path is not None]
                subprocess.run([options.weft, "compile", *wanted], check=False,
                               capture_output=True)
            found = [worst_tick(options, engine, tick, load, module, folder)
                     for _ in range(options.runs)]
            # Of several, the least: what the machine adds is never less than nothing.
            numbers = [each for each in found if isinstance(each, float)]
            rows.setdefault(name, {})[engine] = min(numbers) if numbers else found[0]
        shown = [f"{value:>12.1f}" if isinstance(value, float) else f"{value:>12}"
                 for value in rows[name].values()]
        print(f"{name:<36}" + "".join(shown), flush=True)
    return rows


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("--engine", action="append", help="again for several; all without it")
    parser.add_argument("--load", default="", help="only loads whose names contain this")
    parser.add_argument("--ticks", type=int, default=200)
    parser.add_argument("--runs", type=int, default=1, help="of each; the least one counts")
    parser.add_argument("--seconds", type=int, default=3, help="the deadline of a load")
    parser.add_argument("--before", default="", help="words before each measured command")
    parser.add_argument("--limit", type=float, metavar="MS", help="fail when a tick is later")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args(arguments)
    options.weft = options.weft.resolve()
    with tempfile.TemporaryDirectory(prefix="weft-tick-") as scratch:
        os.environ.setdefault("XDG_CACHE_HOME", scratch)
        rows = measure(options, pathlib.Path(scratch))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    if options.limit is None:
        return 0
    late = [f"{name} on {engine}: {value}" for name, row in rows.items()
            for engine, value in row.items()
            if not isinstance(value, float) or value > options.limit]
    print("\n".join(late) or f"no tick later than {options.limit} ms")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
