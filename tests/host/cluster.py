#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A cluster of five Go guests in virtual time: tests/host/cluster.py WEFT GUESTDIR [--seeds N]

GUESTDIR is what `scripts/build_guests.py examples/cluster GUESTDIR` filled. Runs the ten virtual
seconds of examples/cluster/cluster.toml, with its three partitions, under many seeds, each twice:
all nodes must agree on one leader at the end, and the two hashes must be the same. The seeds must
not all give the same run.

    --seeds N        how many seeds (default 100)
    --engine NAME    interp (default) or aot, which compiles the node first unless it is cached
    --jobs N         runs at a time (default: one a processor)

Prints how long a run took, and `N passed, N failed`; a seed counts one.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

MANIFEST = pathlib.Path(__file__).resolve().parents[2] / "examples" / "cluster" / "cluster.toml"
HASH = re.compile(r"^trace hash ([0-9a-f]{16})$", re.MULTILINE)
END = re.compile(r"^(n\d) (?:ends as leader of|follows (n\d) in) term (\d+)$", re.MULTILINE)


def run_once(weft, engine, world, seed):
    """One run: its hash, what is wrong with it or "", and how many seconds it took."""
    start = time.monotonic()
    done = subprocess.run(
        [weft, "run", f"--engine={engine}", "--virtual-time", "--seed", str(seed), "--trace-hash",
         "--world", world],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800, check=False)
    seconds = time.monotonic() - start
    found = HASH.search(done.stderr)
    if done.returncode != 0 or not found:
        return "", f"exit code {done.returncode}: {done.stderr[-300:]}", seconds
    ends = END.findall(done.stdout)
    leaders = {(leader or node, term) for node, leader, term in ends}
    if len(ends) != 5 or len(leaders) != 1:
        return found[1], f"no agreement: {ends}", seconds
    return found[1], "", seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--engine", default="jit")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    weft = options.weft.resolve()
    world = shutil.copy(MANIFEST, options.guests.resolve())
    if options.engine == "aot":
        subprocess.run([weft, "compile", options.guests / "go_node.wasm"], check=True)
    failed, hashes, times = 0, set(), []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        seeds = range(1, options.seeds + 1)
        runs = pool.map(lambda seed: [run_once(weft, options.engine, world, seed)
                                      for _ in range(2)], seeds)
        for seed, ((first, wrong, seconds), (second, _, again)) in zip(seeds, runs):
            times += [seconds, again]
            if not wrong and first != second:
                wrong = f"the hashes of two runs differ: {first}, {second}"
            failed += bool(wrong)
            hashes.add(first)
            if wrong:
                print(f"FAILED seed {seed}: {wrong}", flush=True)
    if options.seeds > 1 and len(hashes) == 1:
        failed += 1
        print("FAILED all seeds gave the same run")
    print(f"{len(hashes)} different runs; seconds each: median {statistics.median(times):.2f}, "
          f"most {max(times):.2f}")
    print(f"{options.seeds - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
