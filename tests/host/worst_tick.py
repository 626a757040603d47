#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How late a tick comes beside guests that want to keep the thread for themselves.

    tests/host/worst_tick.py WEFT [--engine NAME]... [--load TEXT] [--ticks N] [--limit MS]
                             [--json FILE]

A guest that sleeps 10 ms N times runs beside each hostile load, on each engine of `weft engines`,
or on those that are named. Prints the worst lateness of a tick in milliseconds, a row for each load
and a column for each engine; "alone" is the tick beside nothing, which is what the machine gives.
With --limit it fails when a tick was later. The loads are the table LOADS: WebAssembly text or C.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TIMEOUT_S = 120
LOAD_SECONDS = 3

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


def worst_tick(weft, engine, tick, ticks, load, module, folder):
    """Milliseconds, or what went wrong."""
    run = [weft, "run", f"--engine={engine}", tick, str(ticks)]
    if load is not None:
        options = [option.replace("{folder}", str(folder)) for option in load.options]
        run += [":::", "--deadline", f"{LOAD_SECONDS}s", *options, module, *load.args]
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
            rows.setdefault(name, {})[engine] = worst_tick(options.weft, engine, tick,
                                                          options.ticks, load, module, folder)
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
