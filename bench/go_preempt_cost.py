#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the preemption of goroutines costs when nobody is to be preempted:

    bench/go_preempt_cost.py WEFT [--runs N] [--rounds N] [--only NAME] [--engine jit]

Each kind of work in bench/go/work.go runs with --goroutine-preempt=on and =off in turns, so that
both see the same machine. A cell is CPU time (user and system) of the whole process, less that of
a run with no rounds in the same way: the fastest run of each. The ratio is that of the medians of
all runs. Below 1.03 is what weft promises; the exit code is 1 when the geometric mean is not.

Guests that are not Go's pay nothing: no Steering is made for them, and their code is the same. With
valgrind (--instructions) that is counted: instructions of a C guest with and without.
"""

import argparse
import math
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "bench/go/work.go"
# Rounds of about half a second each.
ROUNDS = {"sort": 250, "json": 700, "sha256": 500, "map": 600, "channel": 250, "mutex": 700,
          "regexp": 300, "trees": 500, "calls": 700}
MODES = ("on", "off")
PROMISED = 1.03


def build(folder):
    go = subprocess.run([ROOT / "scripts/go.sh"], capture_output=True, text=True, check=False)
    if go.returncode != 0:
        sys.exit("go_preempt_cost: no Go 1.21 or newer. Run scripts/deps.sh guests")
    module = folder / "work.wasm"
    subprocess.run([go.stdout.strip(), "build", "-o", module, WORK], check=True,
                   env={**os.environ, "GOOS": "wasip1", "GOARCH": "wasm", "GOFLAGS": ""})
    return module


def seconds(words):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode != 0:
        sys.exit(f"go_preempt_cost: {' '.join(map(str, words))}: {run.stderr}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, run.stdout


def measure(options, module, name, rounds):
    """CPU seconds of each run, by mode."""
    def words(mode, count):
        return [options.weft, "run", f"--engine={options.engine}", f"--goroutine-preempt={mode}",
                module, name, str(count)]
    spent, printed = {mode: [] for mode in MODES}, set()
    empty = {mode: min(seconds(words(mode, 0))[0] for _ in range(3)) for mode in MODES}
    for _ in range(options.runs):
        for mode in MODES:
            took, out = seconds(words(mode, rounds))
            spent[mode].append(took - empty[mode])
            printed.add(out)
    if len(printed) != 1:
        sys.exit(f"go_preempt_cost: {name} printed {printed}")
    return spent


def instructions(options, folder):
    """Of a C guest, by mode: what callgrind counts."""
    guest = folder / "guest.wasm"
    subprocess.run(["clang", "--target=wasm32-wasi", "-O2", "-o", guest,
                    ROOT / "bench/programs/fannkuch.c"], check=True)
    for mode in MODES:
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", "--smc-check=all-non-file",
             f"--callgrind-out-file={folder / 'callgrind'}", options.weft, "run",
             f"--goroutine-preempt={mode}", guest, "7"],
            capture_output=True, text=True, check=True)
        print(f"a C guest, {mode}: {re.search(r'Collected : ([0-9]+)', run.stderr).group(1)} "
              "instructions")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--rounds", type=int, help="of all kinds of work")
    parser.add_argument("--only", default="")
    parser.add_argument("--engine", default="jit")
    parser.add_argument("--instructions", action="store_true", help="needs valgrind")
    options = parser.parse_args()
    options.weft = options.weft.resolve()
    ratios = []
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        if options.instructions:
            instructions(options, folder)
            return 0
        module = build(folder)
        print("| work | on | off | ratio |\n|---|---|---|---|")
        for name in [name for name in ROUNDS if options.only in name]:
            spent = measure(options, module, name, options.rounds or ROUNDS[name])
            ratios.append(statistics.median(spent["on"]) / statistics.median(spent["off"]))
            print(f"| {name} | {min(spent['on']):.3f} s | {min(spent['off']):.3f} s | "
                  f"{ratios[-1]:.3f} |", flush=True)
    mean = math.exp(statistics.fmean(map(math.log, ratios)))
    print(f"\ngeometric mean of the ratios: {mean:.3f}")
    return 1 if mean >= PROMISED else 0


if __name__ == "__main__":
    sys.exit(main())
