#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs hostile modules beside a healthy guest, in one process: each must end with an error.

    tests/hostile/run.py BUILDDIR GUESTDIR [--engine NAME] [--count 200] [--seed 1]
                         [--every 1]

--every N runs each N-th module: compiling all for aot takes minutes. Prints a line for each module,
and `N passed, N failed` at the end. A process that crashes or hangs is a failure, and the line of
the module that it was at is the last one.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

from generate import modules

SECONDS_MAX = 1_800


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--engine", default="interp")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1)
    return parser.parse_args()


def main():
    options = parse()
    healthy = options.guests / "c_healthy.wasm"
    cache = options.guests.parent / "cache" / "aot-hostile"
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="weft-hostile-") as folder:
        paths = []
        for name, binary in modules(options.count, options.seed):
            path = pathlib.Path(folder, f"{name}.wasm")
            path.write_bytes(binary)
            paths.append(path)
        command = [options.build / "tests/hostile/hostile", options.engine, healthy,
                   *paths[::options.every]]
        try:
            ran = subprocess.run(command, timeout=SECONDS_MAX, check=False,
                                 env={**os.environ, "XDG_CACHE_HOME": str(cache)})
        except subprocess.TimeoutExpired:
            print("\nFAIL  it hangs\n0 passed, 1 failed")
            return 1
    if ran.returncode not in (0, 1):
        print(f"\nFAIL  the process ended with {ran.returncode}\n0 passed, 1 failed")
    return ran.returncode


if __name__ == "__main__":
    sys.exit(main())
