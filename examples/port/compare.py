#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The port example says the same on each floor: examples/port/compare.py PTHREAD WEFT

Runs the program on pthreads, on weft, and on weft in its strict form (what a wasm target has), and
compares what they print. The strict run must also name what such a target lacks.
"""

import subprocess
import sys

LINES = 7


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    print(f"--- {' '.join(command)}: ended with {done.returncode}\n{done.stderr}", end="")
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed")
    return done


def main(pthread, weft):
    on_threads, on_weft, strict = run(pthread), run(weft), run(weft, "--strict")
    print(on_threads.stdout, end="")
    if len(on_threads.stdout.splitlines()) != LINES:
        sys.exit(f"{pthread} did not print {LINES} lines")
    if not on_threads.stdout == on_weft.stdout == strict.stdout:
        sys.exit("the outputs differ")
    if "stolen: some" not in on_weft.stderr:
        sys.exit("on weft no thread stole work from another")
    lacks = [line for line in strict.stderr.splitlines() if line.startswith("a wasm target lacks:")]
    if len(lacks) != 1 or "newosproc 1" not in lacks[0]:
        sys.exit("the strict run did not say what a wasm target lacks")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
