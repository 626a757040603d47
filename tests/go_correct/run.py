#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No false alarm: tests/go_correct/run.py WEFT [--each] [--seeds N] [--policy P]... [--only TEXT]

The tests of this package are correct Go programs: worker pools, pipelines, a group as errgroup's,
rate limiters, context trees, queues on sync.Cond, caches, tickers, servers. `weft test --leaks`
runs them in so many schedules with each policy; what it reports is a false alarm, and a failure
here. Prints what was reported, and `N passed, N failed`.

    tests/go_correct/run.py WEFT                        all in one guest, 20 schedules: for ./check
    tests/go_correct/run.py WEFT --each --seeds 1000    each is a guest of its own; minutes
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# Those that poll go on, where computing takes no time, until the schedule is fair: from half of
# these on.
STEPS_MAX = 1_000_000
NOT_EXPLORED = re.compile(r"^not explored: (?!other orders after step \d+$)", re.MULTILINE)
SECONDS = 300  # When something hangs: 20 schedules take a second.
SECONDS_PER_SCHEDULE = 20


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("--each", action="store_true", help="each test in a guest of its own")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--policy", action="append", help="default: random and pct")
    parser.add_argument("--only", default="", help="tests with this in their names")
    return parser.parse_args(arguments)


def build(module):
    go = subprocess.run([HERE.parent.parent / "scripts/go.sh"], capture_output=True, text=True,
                        check=False)
    if go.returncode != 0:
        sys.exit("go_correct: no Go 1.21 or newer. Run scripts/deps.sh guests")
    settings = {**os.environ, "GOOS": "wasip1", "GOARCH": "wasm", "GOTOOLCHAIN": "local",
                "GOFLAGS": "", "GOWORK": "off"}
    subprocess.run([go.stdout.strip(), "test", "-c", "-o", module, "."], cwd=HERE, env=settings,
                   check=True)


def names():
    return [name for path in sorted(HERE.glob("*_test.go"))
            for name in re.findall(r"^func (Test\w+)\(", path.read_text(encoding="utf-8"), re.M)]


def alarm(options, module, tests, policy):
    """What weft reported about the tests that match; "": nothing."""
    words = [options.weft, "test", "--leaks", "--once", "--seeds", str(options.seeds), "--policy",
             policy, "--max-steps", str(STEPS_MAX), "--replay", module.with_name("replay"),
             "--empty-dir", "/tmp", module, f"-test.run={tests}", "-test.timeout=10m"]
    seconds = SECONDS + SECONDS_PER_SCHEDULE * options.seeds
    try:
        run = subprocess.run(words, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        return f"did not end in {seconds} s\n"
    good = run.returncode == 0 and f"{options.seeds} schedules" in run.stdout
    return "" if good and not NOT_EXPLORED.search(run.stdout) else run.stdout + run.stderr


def main(arguments):
    options = parse(arguments)
    options.weft = options.weft.resolve()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        module = pathlib.Path(folder) / "correct.wasm"
        build(module)
        chosen = [f"^{name}$" for name in names() if options.only in name]
        if not chosen:
            sys.exit(f"go_correct: no test has {options.only} in its name")
        for tests in chosen if options.each else ["|".join(chosen)]:
            for policy in options.policy or ["random", "pct"]:
                said = alarm(options, module, tests, policy)
                passed, failed = passed + (not said), failed + bool(said)
                if said:
                    print(f"{tests}, {policy}:\n{said}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
