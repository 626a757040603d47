#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Finds the ten planted bugs of examples/bugs: tests/host/bugs.py WEFT GUESTDIR [--table] ...

GUESTDIR is what `scripts/build_guests.py examples/bugs GUESTDIR` filled. Each bug must be found
by `weft test` within 1,000 schedules, and `weft replay` of the file it wrote must be the same run.
Prints `N passed, N failed`; a bug counts one.

    --table        compares policies instead: how many schedules each needs to find each bug, the
                   median over --bases base seeds (default 20) and the most, in Markdown
    --policies     only these columns of the table, as in --policies random,dfs
    --bug TEXT     only bugs with this in their names
    --engine E     interp, or aot: each program is compiled first, and its runs are faster; the
                   schedules are the same
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

SCHEDULES_MAX = 1000
TEST_SECONDS_MAX = 1800
SHARED = ["--empty-dir", "/shared"]
BUGS = {
    "lost update (C)": [*SHARED, "c_lost_update", ":::", "c_lost_update"],
    "ABA (C)": [*SHARED, "c_aba", "pop", ":::", "c_aba", "swap"],
    "lock order (C)": [*SHARED, "c_lock_order", "a", "b", ":::", "c_lock_order", "b", "a"],
    "torn read (C)": [*SHARED, "c_torn_read", "write", ":::", "c_torn_read", "read"],
    "partial write (C)": [*SHARED, "c_partial_write", "write", ":::", "c_partial_write", "read"],
    "leader election (Go)": [
        *SHARED, "go_leader_election", "one", ":::", "go_leader_election", "two"],
    "missed wake-up (Go)": ["go_missed_wakeup"],
    "double close (Go)": ["go_double_close"],
    "timer after stop (Go)": ["--jitter", "5ms", "go_timer_after_stop"],
    "unbounded queue (Go)": ["--jitter", "4ms", "go_unbounded_queue"],
}
POLICIES = {
    "fifo": ["--policy", "fifo"], "random": ["--policy", "random"], "pct": ["--policy", "pct"],
    "dfs": ["--dfs", "--bound", "2"],
}


class Finder:
    def __init__(self, options, folder):
        self.weft, self.guests = options.weft.resolve(), options.guests.resolve()
        self.engine, self.folder = options.engine, folder

    def words(self, words):
        return [str(self.guests / f"{word}.wasm") if word.startswith(("c_", "go_")) else word
                for word in words]

    def test(self, words, name, schedules=SCHEDULES_MAX):
        """Runs `weft test`. Returns its exit code, what it said and its JSON."""
        report = self.folder / f"{name}.json"
        done = subprocess.run(
            [self.weft, "test", "--engine", self.engine, "--seeds", str(schedules),
             "--json", report, "--replay", self.folder / f"{name}.replay", *self.words(words)],
            capture_output=True, text=True, timeout=TEST_SECONDS_MAX, check=False)
        found = json.loads(report.read_text()) if report.exists() else {}
        return done.returncode, done.stdout + done.stderr, found

    def find_and_replay(self, name, words):
        """Returns what went wrong, or a line about what was found."""
        file = name.split(" (")[0].replace(" ", "-")
        code, said, report = self.test(words, file)
        if code != 1 or not report.get("failure"):
            return False, f"weft test ended with {code}: {said[-400:]}"
        failure = report["failure"]
        replayed = subprocess.run(
            [self.weft, "replay", self.folder / f"{file}.replay"], capture_output=True, text=True,
            errors="replace", timeout=600, check=False)
        if "replayed: the same run" not in replayed.stderr or replayed.returncode == 0:
            return False, f"weft replay ended with {replayed.returncode}: {replayed.stderr[-400:]}"
        return True, (f"{failure['kind']} after {report['schedules']} schedules, "
                      f"{len(failure['deviations'])} deviations (found with "
                      f"{failure['found_with']})")

    def needed(self, words, policy, base):
        """How many schedules it takes from a base seed; above the most when it is not found."""
        seed = [] if policy == "dfs" else ["--seed", str(base * 10_000 + 1)]
        code, said, report = self.test(
            ["--once", *POLICIES[policy], *seed, *words],
            f"{policy}-{base}-{abs(hash(str(words)))}")
        if code not in (0, 1) or not report:
            raise SystemExit(f"weft test ended with {code}: {said[-400:]}")
        return report["schedules"] if report.get("failure") else SCHEDULES_MAX + 1


def table(finder, pool, bugs, bases, policies):
    print("| bug | " + " | ".join(policies) + " |\n|---|" + "---|" * len(policies))
    for name, words in bugs.items():
        cells = []
        for policy in policies:
            # fifo and depth first search take nothing from the seed but random_get's bytes.
            count = 1 if policy in ("dfs", "fifo") else bases
            needed = list(pool.map(
                lambda base, policy=policy, words=words: finder.needed(words, policy, base),
                range(count)))
            median = statistics.median(needed)
            most = max(needed)
            cell = f"{median:g}" if median <= SCHEDULES_MAX else f"none in {SCHEDULES_MAX}"
            if median <= SCHEDULES_MAX and count > 1:
                cell += f" ({most if most <= SCHEDULES_MAX else 'more'})"
            cells.append(cell)
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--bases", type=int, default=20)
    parser.add_argument("--policies", type=lambda word: word.split(","), default=list(POLICIES))
    parser.add_argument("--bug", default="")
    parser.add_argument("--engine", default="jit")
    options = parser.parse_args()
    bugs = {name: words for name, words in BUGS.items() if options.bug in name}
    if not bugs:
        parser.error(f"no bug has '{options.bug}' in its name; they are {', '.join(BUGS)}")
    if unknown := set(options.policies) - set(POLICIES):
        parser.error(f"unknown policies: {', '.join(unknown)}; known are {', '.join(POLICIES)}")
    with tempfile.TemporaryDirectory(prefix="weft-bugs-") as folder, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        finder = Finder(options, pathlib.Path(folder))
        if options.table:
            table(finder, pool, bugs, options.bases, options.policies)
            return 0
        results = list(pool.map(lambda item: finder.find_and_replay(*item), bugs.items()))
        for name, (good, text) in zip(bugs, results):
            print("ok    " if good else "FAILED", f"{name}: {text}")
    failed = sum(not passed for passed, _ in results)
    print(f"{len(bugs) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
