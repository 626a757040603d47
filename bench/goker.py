#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""GoKer under weft test: bench/goker.py WEFT [--seeds N] [--bases N] [--only NAME] [--policy P]...

The 63 kernels of blocking bugs that are part of every Go tree of 1.26 and later
(runtime/testdata/testgoroutineleakprofile/goker), built from there with the go command's GOROOT.
The tree runs each kernel many times in one program, for a profile at its end; an overlay makes that
one run of the kernel a program, without the profile, so that a schedule is one try. Nothing of the
tree is copied or kept.

Prints a line a kernel: for each policy the schedules until the first failure (the median of --bases
base seeds; "-": none of --seeds), how it failed, and how many of ten replays gave the same run.
"""

import argparse
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
SEEDS_BETWEEN_BASES = 1000


def once(text, name):
    """The kernel's source with one run in its main function, and no profile."""
    start = re.search(rf"^func {name}\(\) \{{$", text, re.MULTILINE).start()
    end = text.index("\n}", start)
    body = LOOP.sub("\tfor i := 0; i < 1; i++ {", text[start:end])
    body = body.replace("prof.WriteTo(os.Stdout, 2)", "_, _ = prof, os.Stdout")
    return text[:start] + body + text[end:]


def build(folder):
    """Returns the module and the kernels' names."""
    root = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True,
                          check=True).stdout.strip()
    source = pathlib.Path(root) / KERNELS
    names, replaced = [], {}
    for path in sorted(source.glob("*.go")):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r'register\("(\w+)", \1\)', text):
            names.append(name)
            text = once(text, name)
        changed = folder / path.name
        changed.write_text(text, encoding="utf-8")
        replaced[str(path)] = str(changed)
    overlay = folder / "overlay.json"
    overlay.write_text(json.dumps({"Replace": replaced}), encoding="utf-8")
    module = folder / "goker.wasm"
    subprocess.run(["go", "build", f"-overlay={overlay}", "-o", module, "."], cwd=source,
                   env={**os.environ, "GOOS": "wasip1", "GOARCH": "wasm",
                        "GOFLAGS": "", "GOWORK": "off"}, check=True)
    return module, names


def search(options, module, name, policy, base, folder):
    """Schedules until the first failure and its kind; (None, "") when there is none."""
    result = folder / "result.json"
    result.unlink(missing_ok=True)
    words = [options.weft, "test", "--leaks", "--once", "--seeds", str(options.seeds), "--seed",
             str(base), "--policy", policy, "--json", result, "--replay", folder / "replay"]
    subprocess.run([*words, module, name], capture_output=True, check=False, timeout=600)
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


def measure(options, module, name, folder):
    cells, found = [], False
    for policy in options.policy:
        counts, kinds, same = [], set(), ""
        for base in range(options.bases):
            count, kind = search(options, module, name, policy, 1 + SEEDS_BETWEEN_BASES * base,
                                 folder)
            counts.append(count or options.seeds + 1)
            if count:
                kinds.add(kind)
                same = same or f", {replays(options, folder)}/{REPLAYS} replays"
        median = statistics.median(counts)
        found = found or median <= options.seeds
        said = "-" if median > options.seeds else f"{median:g}"
        cells.append(f"{said} {'/'.join(sorted(kinds))}{same}".strip())
    print(f"| {name} | {' | '.join(cells)} |", flush=True)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--bases", type=int, default=10)
    parser.add_argument("--only", default="")
    parser.add_argument("--policy", action="append")
    options = parser.parse_args()
    options.weft = options.weft.resolve()
    options.policy = options.policy or ["random", "pct"]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        module, names = build(folder)
        names = [name for name in names if options.only.lower() in name.lower()]
        print(f"| kernel | {' | '.join(options.policy)} |\n|---|{'---|' * len(options.policy)}")
        found = sum(measure(options, module, name, folder) for name in names)
    print(f"\n{found} of {len(names)} found within {options.seeds} schedules")
    return 0


if __name__ == "__main__":
    sys.exit(main())
