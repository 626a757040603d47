#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which versions of Go weft knows: tests/go_versions.py WEFT [--few] [VERSION...]

Builds four guests of tests/guests/go with each version (GOTOOLCHAIN=go1.N.M, which the go command
gets from the Go module proxy) and prints a row of a table:

    recognised   `weft test --leaks` tells the goroutine of leaks.go that leaks: its id, wait
                 reason, function, creator and line, with names and with -ldflags=-s
    preempted    busy_loops.go ends: two goroutines that compute don't hold up its timeout
    seen         a dump of busy_stopped.go, built with -ldflags=-s, names the function that does not
                 give way, and with their lines those that called it
    explored     how many of the 6 orders of orders.go with two goroutines and two sends each are
                 found by 1,000 seeds, each in a search of its own
    coroutines   a goroutine of iter.Pull that computes gives way, and 1,000 seeds find an update
                 that two of them lose; "-": Go has them since 1.23

Then `N passed, N failed`, a cell each; fewer than 6 orders fail, and so does a version that
is not available.

Without versions: the first and a late patch of each minor version that is known. Each takes about
300 MB in the module cache, so ./check has the three of --few: a late patch of the oldest minor, of
one in the middle and of the newest.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = ROOT / "tests" / "guests" / "go"
COROUTINES = ROOT / "tests" / "go_coroutines"
COROUTINES_SINCE = 23
VERSIONS = ["1.21.0", "1.21.13", "1.22.0", "1.22.12", "1.23.0", "1.23.12", "1.24.0", "1.24.13",
            "1.25.0", "1.25.14", "1.26.0", "1.26.11", "1.27.0", "1.27.4"]
FEW = ["1.21.13", "1.24.13", "1.27.4"]
DOWNLOAD_SECONDS = 1_200
EXPECTED = re.compile(
    r"^    goroutine \d+ \[chan send\]: main\.sendNobodyReceives\.func1 at "
    r".*leaks\.go:16, created by main\.sendNobodyReceives in goroutine 1 at .*leaks\.go:16$",
    re.MULTILINE)
SEEN = re.compile(
    r"^  goroutine \d+ \[running\]: main\.begins in main\.neverEnds, created by main\.main in "
    r"goroutine 1 at .*busy_stopped\.go:54\n"
    r"    called by main\.goesOn at .*busy_stopped\.go:68\n"
    r"    called by main\.begins at .*busy_stopped\.go:61$", re.MULTILINE)
ORDERS = ["0011", "0101", "0110", "1001", "1010", "1100"]


class Unusable(Exception):
    """A version of Go is not available, or does not build a guest."""


class Version:
    def __init__(self, go, weft, version, folder):
        self.go, self.weft, self.version, self.folder = go, weft, version, folder

    def call_go(self, *words):
        """What the go command of this version printed; says what is wrong when it could not."""
        environment = {**os.environ, "GOTOOLCHAIN": f"go{self.version}", "GOOS": "wasip1",
                       "GOARCH": "wasm", "GOFLAGS": "", "GOEXPERIMENT": "", "GOWORK": "off"}
        try:
            # The first word fetches it, and go asks a proxy only once.
            run = subprocess.run([ROOT / "scripts/retried", self.go, *words], env=environment,
                                 capture_output=True, text=True, check=False,
                                 timeout=DOWNLOAD_SECONDS)
        except subprocess.TimeoutExpired:
            raise Unusable(f"`go {words[0]}` took more than {DOWNLOAD_SECONDS} s") from None
        if run.returncode != 0:
            raise Unusable(run.stderr.strip())
        return run.stdout

    def fetch(self):
        """Another version that answers would make a row of this one wrong."""
        says = self.call_go("version")
        if f" go{self.version} " not in says:
            raise Unusable(f"asked for it, the go command is {says.strip()}")

    def build(self, name, flags="", sources=SOURCES):
        module = self.folder / f"{name}.wasm"
        self.call_go("build", f"-ldflags={flags}", "-o", module, sources / f"{name}.go")
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

    def seen(self):
        run = self.run("run", "--virtual-time", "--cost=1ms", "--schedtrace=1s", "--scheddetail",
                       "--deadline=3s", self.build("busy_stopped", "-s"), "on")
        good = SEEN.search(run.stderr)
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

    def coroutines(self):
        if int(self.version.split(".")[1]) < COROUTINES_SINCE:
            return "-", ""
        module = self.build("pulled", "", COROUTINES)
        run = self.run("run", "--deadline=60s", module, "computes")
        found = self.search("--seeds", 1000, module, "lost")
        good = (run.returncode == 0 and run.stdout == "stopped true\n" and
                found.returncode == 1 and "    lost\n" in found.stdout)
        said = run.stdout + run.stderr + found.stdout + found.stderr
        return "yes" if good else "no", "" if good else said


def row(version):
    """The cells of a version, and what is wrong with each."""
    looks = (version.recognised, version.preempted, version.seen, version.explored,
             version.coroutines)
    try:
        version.fetch()
        told = [look() for look in looks]
    except Unusable as problem:
        said = f"go{version.version} can't be used: {problem}"
        told = [("not tried", said)] + [("not tried", "the same")] * (len(looks) - 1)
    return told


def main(weft, versions):
    passed = failed = 0
    found = subprocess.run([ROOT / "scripts/go.sh"], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        sys.exit("go_versions: no Go 1.21 or newer. Run scripts/deps.sh guests")
    print("| Go | recognised | preempted | seen | explored | coroutines |\n"
          "|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for number in versions or VERSIONS:
            told = row(Version(found.stdout.strip(), weft, number, pathlib.Path(name)))
            print(f"| {number} | {' | '.join(cell for cell, _ in told)} |", flush=True)
            for _, wrong in told:
                passed, failed = passed + (not wrong), failed + bool(wrong)
                if wrong:
                    print(wrong, file=sys.stderr)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    wanted = FEW if sys.argv[2:] == ["--few"] else sys.argv[2:]
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), wanted))
