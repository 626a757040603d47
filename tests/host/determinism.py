#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same seed, the same run: tests/host/determinism.py WEFT GUESTDIR [--runs N] [--go-aot]
    [--engine NAME]

Runs each of 20 programs (C, Go, WAT, alone and together, under several policies) N times in virtual
time and compares the trace hashes; between the runs, what must not matter is changed: the engine,
the environment of weft, its working directory, the descriptors it inherits, the address space
layout, its stdout. 50 runs each are the 1,000 runs of 20 programs:

    tests/host/determinism.py build/release/tools/weft build/guests --runs 50

Programs of Go take minutes to compile: they run on the engine aot only with --go-aot. --engine:
on this one alone.

Prints `N passed, N failed`; a program counts one.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

PROGRAMS = [
    ["c_hello"], ["c_random"], ["c_clock"], ["c_ticker"], ["c_poll"], ["c_yield_n"], ["c_nan_bits"],
    ["c_trap_div"], ["c_args_env", "a", "b"], ["--max-steps", "20000", "c_busy"],
    ["wat_loop_yield"], ["go_hello"], ["go_goroutines"], ["go_sleep300"], ["go_panic"],
    ["go_deadlock"], 
    ["--policy", "rr:quantum=3", "--max-steps", "20000", "c_compute", ":::", "c_yield_n"],
    ["--policy", "random", "--jitter", "5ms", "c_ticker", ":::", "c_random", ":::", "go_hello"],
    ["--policy", "pct", "-n", "2", "go_goroutines"],
    ["--cost", "1us", "c_ticker", ":::", "go_goroutines"],
]
GUEST = re.compile(r"(c|go|rust|wat)_\w+$")
HASH = re.compile(r"^trace hash ([0-9a-f]{16})$", re.MULTILINE)


def engines_of(weft, words, go_aot):
    listed = subprocess.run([weft, "engines"], capture_output=True, text=True, check=True).stdout
    names = [line.split()[0] for line in listed.splitlines()]
    is_go = any(word.startswith("go_") for word in words)
    return [name for name in names if name != "aot" or go_aot or not is_go]


def run_once(weft, guests, words, engine, number):
    """One run, in surroundings that differ with its number. Returns its hash."""
    cache = guests.parent / "cache" / "aot"  # Kept from run to run, beside what else was built.
    cache.mkdir(parents=True, exist_ok=True)
    words = [str(guests / f"{word}.wasm") if GUEST.match(word) else word for word in words]
    with tempfile.TemporaryDirectory() as folder:
        out = open(pathlib.Path(folder) / "out", "wb") if number % 2 else subprocess.DEVNULL
        extra = os.open("/dev/null", os.O_RDONLY)
        done = subprocess.run(
            [weft, "run", "--engine", engine, "--virtual-time", "--seed", "42", "--trace-hash",
             *words],
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, text=True,
            errors="replace", cwd=folder, timeout=900, check=False,
            env={"PATH": os.environ["PATH"], "NOISE": "x" * (number * 37 % 4096),
                 "XDG_CACHE_HOME": str(cache)},
            pass_fds=[extra] if number % 3 else [])
        os.close(extra)
        if number % 2:
            out.close()
    found = HASH.search(done.stderr)
    return found[1] if found else f"no hash; exit code {done.returncode}: {done.stderr[-300:]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--go-aot", action="store_true")
    parser.add_argument("--engine", help="on this one alone")
    options = parser.parse_args()
    weft, guests = str(options.weft.resolve()), options.guests.resolve()
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for words in PROGRAMS:
            engines = [options.engine] if options.engine else \
                engines_of(weft, words, options.go_aot)
            hashes = list(pool.map(
                lambda number, words=words, engines=engines: run_once(
                    weft, guests, words, engines[number // 2 % len(engines)], number),
                range(options.runs)))
            good = len(set(hashes)) == 1 and len(hashes[0]) == 16
            failed += not good
            print("ok    " if good else "FAILED", " ".join(words), *sorted(set(hashes)),
                  "on", *engines, flush=True)
    print(f"{len(PROGRAMS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
