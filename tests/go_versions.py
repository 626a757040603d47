#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which versions of Go weft knows: tests/go_versions.py WEFT [VERSION...]

Builds tests/guests/go/leaks.go with each version (GOTOOLCHAIN=go1.N.M, which the go command gets
from the Go module proxy), with and without -ldflags=-s, and has `weft test --leaks` tell the
goroutine that leaks: its id, wait reason, function, creator and line are read from the guest's
memory, so each is right only where the runtime was recognised and its offsets were found. Prints a
line a version and `N passed, N failed`.

Without versions: the first and a late patch of each minor version that is known. Each takes about
300 MB in the module cache, so this is no step of ./check.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent / "guests" / "go" / "leaks.go"
VERSIONS = ["1.21.0", "1.21.13", "1.22.0", "1.22.12", "1.23.0", "1.23.12", "1.24.0", "1.24.13",
            "1.25.0", "1.25.14", "1.26.0", "1.26.11", "1.27.0", "1.27.4"]
EXPECTED = re.compile(
    r"^    goroutine \d+ \[chan send\]: main\.sendNobodyReceives\.func1, created by "
    r"main\.sendNobodyReceives in goroutine 1 at .*leaks\.go:15$", re.MULTILINE)


def build(version, flags, module):
    environment = {**os.environ, "GOTOOLCHAIN": f"go{version}", "GOOS": "wasip1",
                   "GOARCH": "wasm", "GOFLAGS": "", "GOEXPERIMENT": ""}
    subprocess.run(["go", "build", f"-ldflags={flags}", "-o", module, SOURCE], env=environment,
                   check=True)


def works(weft, module, folder):
    run = subprocess.run(
        [weft, "test", "--leaks", "--seeds", "1", "--replay", folder / "replay", module, "send"],
        capture_output=True, text=True, check=False)
    if run.returncode == 1 and EXPECTED.search(run.stdout):
        return True
    print(run.stdout + run.stderr)
    return False


def main(weft, versions):
    passed = failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        module = folder / "leaks.wasm"
        for version in versions or VERSIONS:
            said = []
            for flags, kind in [("", "with names"), ("-s", "stripped")]:
                build(version, flags, module)
                good = works(weft, module, folder)
                passed, failed = passed + good, failed + (not good)
                said.append(f"{kind}: {'ok' if good else 'FAILS'}")
            print(f"go{version}: {', '.join(said)}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]))
