#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does weft do what Go does? tests/go_conformance/run.py BINARY [--weft WEFT] [--only PART]

Runs each case twice, as Go and as C++ on weft (BINARY), and compares what they print, their exit
codes, the first line on stderr, and why the main goroutine waited. Cases of kind `same` are
compared with Go run natively with GOMAXPROCS=1, and with --weft also with Go as a wasip1 guest of
that weft command; cases of kind `wasm` only with the latter, because their order is not that of
ordinary Go (go/main.go says why). The last line is `N passed, N failed`.
"""

import argparse
import dataclasses
import difflib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GO_SOURCES = pathlib.Path(__file__).resolve().parent / "go"
TIMEOUT_S = 600  # When something hangs.
# Ours runs on a clock of its own, Go on that of a machine, which may stall for longer than times of
# a case are apart.
GO_ATTEMPTS = 10
MAIN_WAITS = re.compile(r"^goroutine 1 \[([^,\]]*)", re.MULTILINE)


@dataclasses.dataclass
class Outcome:
    lines: list
    exit_code: int
    first_error: str
    main_waits: str

    def text(self):
        return [*self.lines, f"exit code {self.exit_code}", f"stderr: {self.first_error}",
                f"main: {self.main_waits}"]


def run(command, environment=None):
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return Outcome([], -1, f"no end after {TIMEOUT_S} s", "")
    waits = MAIN_WAITS.search(done.stderr)
    return Outcome(done.stdout.splitlines(), done.returncode, done.stderr.partition("\n")[0],
                   waits[1] if waits else "")


def build(folder, name, **settings):
    """Builds all Go cases in one program and returns its path."""
    path = pathlib.Path(folder) / name
    go = subprocess.run([ROOT / "scripts/go.sh"], check=True, capture_output=True,
                        text=True).stdout.strip()
    subprocess.run([go, "build", "-o", str(path), "."], cwd=GO_SOURCES, check=True,
                   env={**os.environ, "GOENV": "off", "GOFLAGS": "-mod=mod", "GOWORK": "off",
                        "GOTOOLCHAIN": "local", **settings})
    return path


def names_and_kinds(native):
    listed = subprocess.run([native, "list"], check=True, capture_output=True, text=True).stdout
    return dict(line.split() for line in listed.splitlines())


def compare(name, kind, how, go, got):
    """Prints one line, and the difference when there is one; returns whether they agree. `go` runs
    Go's half."""
    for _ in range(GO_ATTEMPTS):
        expected = go()
        if expected.text() == got.text():
            print(f"ok    {name} ({how})")
            return True
    print(f"FAIL  {name} ({how}, kind {kind})")
    for line in difflib.unified_diff(expected.text(), got.text(), "Go", "weft", lineterm="", n=9):
        print(f"      {line}")
    return False


def compare_all(arguments, folder):
    native = build(folder, "cases")
    guest = build(folder, "cases.wasm", GOOS="wasip1", GOARCH="wasm") if arguments.weft else None
    kinds = names_and_kinds(native)
    ours = subprocess.run([arguments.binary], check=True, capture_output=True, text=True).stdout
    results = []
    for name in sorted(set(kinds) ^ set(ours.split())):
        print(f"FAIL  {name} has no twin")
        results.append(False)
    for name in sorted(set(kinds) & set(ours.split())):
        if arguments.only not in name:
            continue
        got = run([arguments.binary, name])
        if kinds[name] == "same":
            results.append(compare(name, kinds[name], "Go", lambda name=name: run(
                [str(native), name], {**os.environ, "GOMAXPROCS": "1"}), got))
        if guest is not None:
            # Go's own order: on a busy machine weft's preemption would change it.
            results.append(compare(name, kinds[name], "Go on wasip1", lambda name=name: run(
                [arguments.weft, "run", "--goroutine-preempt=off", str(guest), name]), got))
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("binary", help="the C++ half: tests/go-conformance in a build directory")
    parser.add_argument("--weft", help="the weft command that runs the Go half as a guest")
    parser.add_argument("--only", default="", metavar="PART", help="cases with PART in their name")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = compare_all(arguments, folder)
    if not arguments.weft:
        print("without --weft: nothing was compared with Go on wasip1")
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
