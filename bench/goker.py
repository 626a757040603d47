#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""GoKer under weft test, with Go's own tools beside it:

    bench/goker.py WEFT [--seeds N] [--bases N] [--native-runs N] [--only NAME] [--policy P]...
                        [--results FILE]

The 63 kernels of blocking bugs that are part of every Go tree of 1.26 and later
(runtime/testdata/testgoroutineleakprofile/goker), built from there with the go command's GOROOT.
The tree runs each kernel many times in one program; an overlay makes that one run of the kernel a
program, so that a schedule is one try. Nothing of the tree is copied or kept.

Prints a line a kernel. For each policy: the schedules until the first failure (the median of
--bases base seeds; "-": more than --seeds), how it failed, with how many of the base seeds when not
with all, and how many of ten replays gave the same run. The policy fifo runs goroutines in Go's own
order: without decisions about goroutines. With --native-runs: the native run, of at most so many,
that first showed something to Go's race detector, and to Go's profile of leaked goroutines; both
are in one program, `go build -race` with GOEXPERIMENT=goroutineleakprofile, which needs a C
compiler. What else a native run may do (panic, hang, end as deadlocked) is under "else".

A search that takes longer than SEARCH_SECONDS of real time ends there. When it had found nothing,
it counts so; when it was making a failing schedule smaller, the failure counts. With --results each
cell is kept in FILE as soon as it is known, and taken from there by the next run with the same
numbers: a run that was interrupted goes on.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

KERNELS = "src/runtime/testdata/testgoroutineleakprofile/goker"
# The loop around a kernel, in its main function: one tab deep, at least 20 times.
LOOP = re.compile(r"^\tfor i := 0; i <=? ([2-9]\d|\d{3,}); i\+\+ \{$", re.MULTILINE)
REPLAYS = 10
SEARCH_SECONDS = 120
SEEDS_BETWEEN_BASES = 1000
NATIVE_SECONDS = 30  # A native run that takes longer hangs: the longest sleeps for 2 s.
WASM = {"GOOS": "wasip1", "GOARCH": "wasm"}
NATIVE = {"GOEXPERIMENT": "goroutineleakprofile", "CGO_ENABLED": "1"}


def once(text, name, profile):
    """The kernel's source with one run in its main function."""
    start = re.search(rf"^func {name}\(\) \{{$", text, re.MULTILINE).start()
    end = text.index("\n}", start)
    body = LOOP.sub("\tfor i := 0; i < 1; i++ {", text[start:end])
    if not profile:
        body = body.replace("prof.WriteTo(os.Stdout, 2)", "_, _ = prof, os.Stdout")
    return text[:start] + body + text[end:]


def build(folder, program, settings, flags=(), change=lambda text, name: text):
    """Returns the kernels' names. A native program keeps the profile at a kernel's end."""
    root = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True,
                          check=True).stdout.strip()
    source = pathlib.Path(root) / KERNELS
    names, replaced = [], {}
    for path in sorted(source.glob("*.go")):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r'register\("(\w+)", \1\)', text):
            names.append(name)
            text = once(change(text, name), name, settings is NATIVE)
        changed = folder / path.name
        changed.write_text(text, encoding="utf-8")
        replaced[str(path)] = str(changed)
    if not names:
        sys.exit(f"goker: there are no kernels in {source}: they are part of Go 1.26 and later")
    overlay = folder / "overlay.json"
    overlay.write_text(json.dumps({"Replace": replaced}), encoding="utf-8")
    subprocess.run(["go", "build", f"-overlay={overlay}", *flags, "-o", program, "."], cwd=source,
                   env={**os.environ, "GOFLAGS": "", "GOWORK": "off", **settings}, check=True)
    return names


def search(options, module, name, policy, base, folder):
    """Schedules until the first failure and its kind; (None, "") when there is none."""
    result = folder / "result.json"
    words = [options.weft, "test", "--leaks", "--once", "--seeds", str(options.seeds), "--seed",
             str(base), "--policy", policy, "--search-limit", f"{SEARCH_SECONDS}s", "--json",
             result, "--replay", folder / "replay"]
    subprocess.run([*words, module, name], capture_output=True, check=False,
                   timeout=5 * SEARCH_SECONDS)
    report = json.loads(result.read_text(encoding="utf-8"))
    failure = report["failure"]
    return (report["schedules"], failure["kind"]) if failure else (None, "")


def replays(options, folder):
    """How many of ten replays were the same run."""
    same = 0
    for _ in range(REPLAYS):
        run = subprocess.run([options.weft, "replay", folder / "replay"], capture_output=True,
                             text=True, check=False)
        same += "replayed: the same run" in run.stderr
    return same


class Kept:
    """Cells by their column and kernel, in a file or only here."""

    def __init__(self, path, numbers):
        self.path, self.cells = path, {"numbers": numbers}
        if path and path.exists():
            self.cells = json.loads(path.read_text(encoding="utf-8"))
        if self.cells["numbers"] != numbers:
            sys.exit(f"goker: {path} is of a run with {self.cells['numbers']}, this is {numbers}")

    def cell(self, column, name, make):
        key = f"{column} {name}"
        if key not in self.cells:
            self.cells[key] = make()
            if self.path:
                self.path.write_text(json.dumps(self.cells, indent=0), encoding="utf-8")
        return self.cells[key]


def explore(options, module, name, policy, folder):
    """The cell for a policy, and whether that is found."""
    counts, kinds, same, with_bases = [], set(), "", 0
    for base in range(options.bases):
        count, kind = search(options, module, name, policy, 1 + SEEDS_BETWEEN_BASES * base, folder)
        counts.append(count or options.seeds + 1)
        if count:
            kinds.add(kind)
            with_bases += 1
            same = same or f", {replays(options, folder)}/{REPLAYS}"
    median = statistics.median(counts)
    found = median <= options.seeds
    said = f"{median:g} {'/'.join(sorted(kinds))}" if found else "-"
    if 0 < with_bases < options.bases:
        said += f" ({with_bases} of {options.bases} seeds)"
    return said + same, found


def run_natively(program, name):
    """What one native run showed, of "race", "leak" and "else"."""
    try:
        run = subprocess.run([program, name], capture_output=True, text=True, check=False,
                             timeout=NATIVE_SECONDS)
    except subprocess.TimeoutExpired:
        return {"else"}
    shown = set()
    if "WARNING: DATA RACE" in run.stderr:
        shown.add("race")
    if "(leaked)" in run.stdout:
        shown.add("leak")
    if run.returncode != 0 and not shown:
        shown.add("else")
    return shown


def natively(options, program, name):
    """By what was shown: the first run that showed it. They sleep more than they compute."""
    first = {}
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        runs = threads.map(lambda _: run_natively(program, name), range(options.native_runs))
        for number, shown in enumerate(runs, 1):
            for what in shown:
                first.setdefault(what, number)
    return first


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--bases", type=int, default=10)
    parser.add_argument("--native-runs", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--policy", action="append")
    parser.add_argument("--results", type=pathlib.Path)
    options = parser.parse_args()
    options.weft = options.weft.resolve()
    policies = options.policy or ["fifo", "random", "pct"]
    kinds = ["race", "leak", "else"] if options.native_runs else []
    kept = Kept(options.results, [options.seeds, options.bases, options.native_runs])
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        module, program = folder / "goker.wasm", folder / "goker"
        names = [name for name in build(folder, module, WASM)
                 if options.only.lower() in name.lower()]
        if kinds:
            build(folder, program, NATIVE, ["-race"])
        print(f"| kernel | {' | '.join(policies + [f'native: {kind}' for kind in kinds])} |")
        print(f"|---|{'---|' * len(policies + kinds)}")
        found = dict.fromkeys(policies + kinds, 0)
        for name in names:
            cells = []
            for policy in policies:
                cell, good = kept.cell(
                    policy, name, lambda n=name, p=policy: explore(options, module, n, p, folder))
                cells.append(cell)
                found[policy] += good
            first = kept.cell("native", name, lambda n=name: natively(options, program, n))
            for kind in kinds:
                cells.append(str(first.get(kind, "-")))
                found[kind] += kind in first
            print(f"| {name} | {' | '.join(cells)} |", flush=True)
    said = ", ".join(f"{what} {count}" for what, count in found.items())
    print(f"\nfound, of {len(names)}: {said}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
