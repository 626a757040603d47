#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast jit validates and compiles real modules, each whole:

    bench/compile_speed.py [BUILDDIR] [--rounds N] [--table] [MODULE...]

Without MODULE it is six of those that bench/real_programs.py fetches (into build/programs) and Go's
hello of the tests. For each: MB of the module, MB of its functions' code, and MB of that code a
second of processor time, the fastest of N rounds (5): of reading and validating, of making machine
code of every function (jit itself does so at a function's first call), and of both together. Builds
what it needs in BUILDDIR (build/release). Ends with 1 when a module of 1 MB or more is below the
goals: 100 MB/s for validation, 20 for both together. --table: rows of Markdown.
"""

import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "bench" / "real")]
# pylint: disable=wrong-import-position
import programs
import real_programs

NAMES = ["nextpnr-ice40", "boolector", "esbuild", "CPython 3.12", "avr cc1", "yosys"]
VALIDATION_MB_S = 100
EAGER_MB_S = 20
BYTES_MIN = 1_000_000  # Of a module that the goals are for.


def usual_modules():
    real_programs.fetch_all()
    yield "Go's hello", ROOT / "build" / "guests" / "go_hello.wasm"
    for program in programs.PROGRAMS:
        if program.name in NAMES:
            yield program.name, real_programs.place_of(program.module)


def measure(build, module, rounds):
    done = subprocess.run([build / "bench" / "weft-compile-speed", str(rounds), module],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"compile_speed: {done.stderr.strip()}")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("modules", nargs="*", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--table", action="store_true", help="rows of Markdown")
    options = parser.parse_args()
    subprocess.run(["ninja", "-C", options.build, "bench/weft-compile-speed"], check=True,
                   stdout=subprocess.DEVNULL)
    modules = [(path.stem, path) for path in options.modules] or usual_modules()
    head = ["module", "MB", "of code", "functions", "validation", "code", "both"]
    form = "{:<16} {:>7} {:>8} {:>10} {:>11} {:>8} {:>8}"
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head) if options.table else
          form.format(*head))
    slow = []
    for name, path in modules:
        figures = measure(options.build, path, options.rounds)
        code = figures["code_bytes"]
        times = [figures["validated_ns"], figures["compiled_ns"]]
        speeds = [code * 1e3 / ns for ns in [*times, sum(times)]]
        cells = [name, f"{figures['bytes'] / 1e6:.1f}", f"{code / 1e6:.1f}",
                 str(figures["functions"]), *(f"{speed:.0f}" for speed in speeds)]
        print("| " + " | ".join(cells) + " |" if options.table else form.format(*cells),
              flush=True)
        is_slow = speeds[0] < VALIDATION_MB_S or speeds[2] < EAGER_MB_S
        slow += [name] if is_slow and figures["bytes"] >= BYTES_MIN else []
    print("below the goals: " + (", ".join(slow) or "none"), file=sys.stderr)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
