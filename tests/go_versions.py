#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which versions of Go weft knows: tests/go_versions.py WEFT [VERSION...]

Builds three guests of tests/guests/go with each version (GOTOOLCHAIN=go1.N.M, which the go command
gets from the Go module proxy) and prints a row of a table:

    recognised   `weft test --leaks` tells the goroutine of leaks.go that leaks: its id, wait
                 reason, function, creator and line, with names and with -ldflags=-s
    preempted    busy_loops.go ends: two goroutines that compute don't hold up its timeout
    explored     how many of the 6 orders of orders.go with two goroutines and two sends each are
                 found by 1,000 seeds, each in a search of its own

Then `N passed, N failed`, a cell each; fewer than 6 orders fail.

Without versions: the first and a late patch of each minor version that is known. Each takes about
300 MB in the module cache, so this is no step of ./check.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCES = pathlib.Path(__file__).resolve().parent / "guests" / "go"
VERSIONS = ["1.21.0", "1.21.13", "1.22.0", "1.22.12", "1.23.0", "1.23.12", "1.24.0", "1.24.13",
            "1.25.0", "1.25.14", "1.26.0", "1.26.11", "1.27.0", "1.27.4"]
EXPECTED = re.compile(
    r"^    goroutine \d+ \[chan send\]: main\.sendNobodyReceives\.func1 at "
    r".*leaks\.go:15, created by main\.sendNobodyReceives in goroutine 1 at .*leaks\.go:15$",
    re.MULTILINE)
ORDERS = ["0011", "0101", "0110", "1001", "1010", "1100"]


class Version:
    def __init__(self, weft, version, folder):
        self.weft, self.version, self.folder = weft, version, folder

    def build(self, name, flags=""):
        environment = {**os.environ, "GOTOOLCHAIN": f"go{self.version}", "GOOS": "wasip1",
                       "GOARCH": "wasm", "GOFLAGS": "", "GOEXPERIMENT": ""}
        module = self.folder / f"{name}.wasm"
        subprocess.run(["go", "build", f"-ldflags={flags}", "-o", module, SOURCES / f"{name}.go"],
                       env=environment, check=True)
        return module

    def run(self, *words):
        return subprocess.run([self.weft, *map(str, words)], capture_output=True, text=True,
                              check=False, timeout=600)

    def search(self, *words):
        return self.run("test", "--once", "--replay", self.folder / "replay", *words)

    def recognised(self):
        for flags in ("", "-s"):
            run = self.search("--leaks", "--seeds", 1, self.build("leaks", flags), "send")
            if run.returncode != 1 or not EXPECTED.search(run.stdout):
                return "no", run.stdout + run.stderr
        return "yes", ""

    def preempted(self):
        run = self.run("run", "--deadline=60s", self.build("busy_loops"))
        good = run.returncode == 0 and run.stdout.endswith("\ntimeout\n")
        return "yes" if good else "no", "" if good else run.stdout + run.stderr

    def explored(self):
        """A search fails when it sees the order that its program was not told of."""
        module, found, said = self.build("orders"), 0, ""
        for order in ORDERS:
            others = [other for other in ORDERS if other != order]
            run = self.search("--seeds", 1000, module, 2, 2, *others)
            if run.returncode == 1 and f"    {order}\n" in run.stdout:
                found += 1
            else:
                said += f"{order} was not found: {run.stdout}{run.stderr}"
        return f"{found} of {len(ORDERS)}", said


def main(weft, versions):
    passed = failed = 0
    print("| Go | recognised | preempted | explored |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for number in versions or VERSIONS:
            version = Version(weft, number, pathlib.Path(name))
            cells, wrong = [], ""
            for look in (version.recognised, version.preempted, version.explored):
                cell, said = look()
                cells.append(cell)
                wrong += said
                passed, failed = passed + (not said), failed + bool(said)
            print(f"| {number} | {' | '.join(cells)} |", flush=True)
            if wrong:
                print(wrong, file=sys.stderr)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]))
