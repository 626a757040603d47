#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A long search by workers, beside one process with --jobs on the same processors.

    tests/host/nats_search.py WEFT GUESTDIR [--seeds N] [--workers N] [--kill-every S] [--pairs N]
                              [--pair-seeds N]

One nats-server on loopback. First, for each pair (3), a search of fewer seeds (200,000) with --jobs
and by the workers, in turns, nothing else being done: what the queue costs is the median of the
ratios. Then the whole search (1,000,000 seeds), once with --jobs, and once by the workers while one
of them is killed (-9) each S seconds (5) and a new one started, and the server is started again
once. Each verdict must be that of one process, and have each seed once. A schedule takes about 200
us of processor time: on two quiet processors that is six to seven minutes.

Prints the times, and `N passed, N failed`. The overhead is printed, not judged.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from nats_server import NatsServer, Workers  # noqa: E402

PATIENCE_S = 7200
RESTARTED_AFTER = 2  # Killed workers.


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--kill-every", type=float, default=5)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--pair-seeds", type=int, default=200_000)
    return parser.parse_args(arguments)


class Comparison:
    def __init__(self, options, folder):
        self.options = options
        self.folder = pathlib.Path(folder)
        self.weft = options.weft.resolve()
        self.seeds = options.seeds
        guests = options.guests.resolve()
        self.words = ["--jitter", "3ms", str(guests / "c_ticker.wasm"), ":::",
                      str(guests / "c_hello.wasm")]
        self.passed = self.failed = 0

    def start(self, name, *more):
        return subprocess.Popen([self.weft, "test", "--json", self.folder / name, "--seeds",
                                 str(self.seeds), *more, *self.words], cwd=self.folder,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def run(self, name, *more):
        """Seconds and the verdict's text."""
        begun = time.monotonic()
        out, _ = self.start(name, *more).communicate(timeout=PATIENCE_S)
        seconds = time.monotonic() - begun
        print(f"{name}: {self.rate(seconds)}", flush=True)
        return seconds, out

    def rate(self, seconds):
        return f"{seconds:.2f} s, {self.seeds / seconds:.0f} schedules a second"

    def verdict(self, name):
        verdict = json.loads((self.folder / name).read_text())
        del verdict["seconds"]
        return verdict

    def judge(self, what, holds):
        self.passed += bool(holds)
        self.failed += not holds
        print(f"{'ok   ' if holds else 'FAIL '} {what}", flush=True)

    def same(self, name, out, expected):
        self.judge(f"{name}: the verdict of one process",
                   out == expected and self.verdict(name) == self.verdict("jobs"))
        self.judge(f"{name}: each seed is once in the books",
                   self.verdict(name)["schedules"] == self.seeds)


def killed_in_turns(search, server, workers):
    """The search, while workers are killed in turns and the server is started again once."""
    begun = time.monotonic()
    until = begun + PATIENCE_S
    next_kill, kills, restarted = begun + search.options.kill_every, 0, False
    with search.start("killed", "--nats", server.url()) as master:
        while master.poll() is None:
            time.sleep(0.05)
            if time.monotonic() > until:
                master.kill()
                raise TimeoutError(f"the search does not end in {PATIENCE_S} s")
            if time.monotonic() < next_kill:
                continue
            next_kill += search.options.kill_every
            victim = workers.running.pop(0)
            victim.kill()
            victim.wait()
            workers.start()
            kills += 1
            if not restarted and kills == RESTARTED_AFTER:
                server.restart()
                restarted = True
        out = master.stdout.read()
    print(f"killed: {search.rate(time.monotonic() - begun)}, {kills} workers killed, the server "
          f"{'started again once' if restarted else 'not started again'}", flush=True)
    search.judge("killed: workers were killed, and the server was started again while it went on",
                 kills >= RESTARTED_AFTER and restarted)
    return out


def main(arguments):
    options = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="weft-nats-") as scratch:
        folder = pathlib.Path(scratch)
        search = Comparison(options, folder)
        with NatsServer(folder / "server") as server, \
                Workers(search.weft, os.environ, server.url(), folder / "of-workers") as workers:
            ratios = []
            search.seeds = min(options.pair_seeds, options.seeds)
            for _ in range(options.pairs):
                alone, expected = search.run("jobs", "--jobs", str(options.workers))
                for _ in range(options.workers):
                    workers.start()
                far, out = search.run("workers", "--nats", server.url())
                search.judge("workers end with 0", workers.end() == [0] * options.workers)
                search.same("workers", out, expected)
                ratios.append(far / alone)
            print(f"time by workers / time by --jobs: {statistics.median(ratios):.4f} (of "
                  f"{', '.join(f'{ratio:.4f}' for ratio in ratios)})", flush=True)
            search.seeds = options.seeds
            _, expected = search.run("jobs", "--jobs", str(options.workers))
            for _ in range(options.workers):
                workers.start()
            search.same("killed", killed_in_turns(search, server, workers), expected)
    print(f"{search.passed} passed, {search.failed} failed")
    return 0 if search.passed and not search.failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
