#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Go's own tests of its standard library, as guests:

    tests/go_std/run.py WEFT [--all] [--engine aot] [PACKAGE...]
    tests/go_std/run.py WEFT --preempted [--every 1 --every 3 --every 17] [PACKAGE...]

For each package: `GOOS=wasip1 GOARCH=wasm go test -exec "WEFT exec" PACKAGE`, as a user of Go
would. Without PACKAGE it is the six of QUICK, which ./check runs; --all takes every package of
PACKAGES, which are hours for an interpreter. Needs a Go with its sources (scripts/go.sh finds it).

--preempted: the packages of PREEMPTED, with the garbage collector at work all the time (GOGC=1) and
a goroutine that gives way at each so many-th function that is called, with the engine jit: as Go
tests its own runtime with -d=maymorestack=runtime.mayMoreStackPreempt.

A test that fails with every host, for a reason of Go's own, is listed in NOT_OURS with that reason
and is skipped; nothing else is. Prints a line for each package with its seconds, which are those of
go's compiler too, and those of its tests alone, from exec to exit, as go test says them; for a
failing one what go test printed; and `N passed, N failed` at the end.
"""

import argparse
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHOWN_LINES_MAX = 80
TESTS_TOOK = re.compile(r"^(?:ok|FAIL)\s+\S+\s+([\d.]+)s", re.MULTILINE)

# What ./check runs: together well under a minute of computing.
QUICK = ["errors", "unicode/utf8", "path", "container/heap", "container/list", "container/ring"]

# Every package of `--all`, and how long it may take in seconds on an interpreter. All run with
# -short: what that leaves out are tests that are long natively, and days here.
PACKAGES = {
    "errors": 120,
    "unicode/utf8": 120,
    "path": 120,
    "container/heap": 120,
    "container/list": 120,
    "container/ring": 120,
    "sort": 600,
    "io": 600,
    "io/fs": 600,
    "context": 600,
    "path/filepath": 600,
    "bufio": 1200,
    "sync": 1800,
    "sync/atomic": 1800,
    "hash": 600,
    "hash/adler32": 600,
    "hash/crc32": 1200,
    "hash/crc64": 600,
    "hash/fnv": 600,
    "hash/maphash": 3600,
    "encoding/binary": 600,
    "text/template": 1200,
    "fmt": 1800,
    "strings": 3600,
    "bytes": 3600,
    "encoding/json": 3600,
    "math/rand": 3600,
    "regexp": 3600,
    "strconv": 3600,
    "time": 3600,  # Its timer tests sleep, and repeat.
    "os": 3600,
    "net/http": 3600,
    "runtime": 14400,
}

# What shows whether goroutines may be made to give way anywhere.
PREEMPTED = ["sync", "context", "container/heap", "container/list", "container/ring", "time",
             "net/http/httptest", "runtime"]

# package -> {test: why it fails with every host}.
NOT_OURS = {}


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("packages", nargs="*", help="instead of the six quick ones")
    parser.add_argument("--all", action="store_true", help="every package; takes hours")
    parser.add_argument("--list", action="store_true", help="print the packages, run nothing")
    parser.add_argument("--engine", default="interp",
                        help="aot: each package is compiled first, which takes minutes")
    parser.add_argument("--preempted", action="store_true",
                        help="goroutines give way all the time, with GOGC=1")
    parser.add_argument("--every", type=int, action="append",
                        help="--preempted: at each so many-th function (default: 1, 3 and 17)")
    parser.add_argument("--run", default="", help="only tests that match, as go test -run")
    return parser.parse_intermixed_args(arguments)


def go_tool():
    found = subprocess.run([ROOT / "scripts/go.sh"], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        sys.exit("go_std: no Go 1.21 or newer. Run scripts/deps.sh guests")
    return found.stdout.strip()


def environment():
    home = os.environ.get("HOME") or "/tmp"
    return {**os.environ, "GOOS": "wasip1", "GOARCH": "wasm", "GOTOOLCHAIN": "local",
            "GOFLAGS": "", "GOWORK": "off", "CGO_ENABLED": "0", "HOME": home}


def command(go, weft, options, package, seconds):
    """Without vet, which examines the package's source: that is not our subject."""
    runner = shlex.join([str(weft), "exec", *options])
    words = [go, "test", "-short", "-vet=off", "-count=1", f"-timeout={seconds}s",
             f"-exec={runner}"]
    if package in NOT_OURS:
        words.append("-skip=" + "|".join(f"^{test}$" for test in NOT_OURS[package]))
    return [*words, package]


def run_package(words, seconds):
    """Returns (passed, output). go test's own timeout comes first; ours is for a stuck build."""
    process = subprocess.Popen(
        words, env=environment(), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
    try:
        output, _ = process.communicate(timeout=seconds + 600)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return False, output + f"\nstill running after {seconds + 600} s"
    return process.returncode == 0, output


def seconds_of(package):
    return PACKAGES.get(package, 3600)


def try_package(words, only, package, mode):
    """Runs it and prints how it went."""
    start = time.monotonic()
    if only:
        words.insert(-1, f"-run={only}")
    good, output = run_package(words, seconds_of(package))
    tests = TESTS_TOOK.search(output)
    took = f"{time.monotonic() - start:.0f} s" + (f", its tests {tests[1]} s" if tests else "")
    print(f"{'ok   ' if good else 'FAIL '} {package}{mode} ({took})", flush=True)
    if not good:
        print("\n".join(output.splitlines()[-SHOWN_LINES_MAX:]), flush=True)
    return good


def main(arguments):
    options = parse(arguments)
    usual = list(PACKAGES) if options.all else PREEMPTED if options.preempted else QUICK
    packages = options.packages or usual
    if options.list:
        print("\n".join(packages))
        return 0
    if not options.weft.is_file():
        print(f"go_std: no such binary: {options.weft}", file=sys.stderr)
        return 1
    go, weft = go_tool(), options.weft.resolve()
    modes = {"": [f"--engine={options.engine}"]}
    if options.preempted:
        modes = {f", at each {every}": ["--engine=jit", f"--goroutine-preempt={every}",
                                        "--env=GOGC=1"]
                 for every in options.every or [1, 3, 17]}
    passed = 0
    for package in packages:
        for mode, words in modes.items():
            passed += try_package(command(go, weft, words, package, seconds_of(package)),
                                  options.run, package, mode)
        for test, reason in NOT_OURS.get(package, {}).items():
            print(f"      without {test}: {reason}", flush=True)
    failed = len(packages) * len(modes) - passed
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
