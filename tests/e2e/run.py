#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""End-to-end tests of the weft command.

    tests/e2e/run.py WEFT GUESTDIR [--filter TEXT] [--without speed,malloc,descriptors] [--jobs N]
    tests/e2e/run.py WEFT GUESTDIR --list

WEFT is the binary, GUESTDIR what tests/guests/build.py filled. The claims are in claims_*.py beside
this file, each a sentence and a function; harness.py is the language they are written in. Prints a
line for each claim, for a failing one its command and output, and `N passed, N failed` at the end.
With --jobs, claims are tried side by side, each process in a folder of its own; those about speed
come behind all others, one by one.
"""

import argparse
import concurrent.futures
import ctypes
import os
import pathlib
import signal
import sys
import tempfile
import time

import claims_command
import claims_compile
import claims_control
import claims_debuggers
import claims_engine
import claims_errors
import claims_exec
import claims_go
import claims_go_test
import claims_goroutines
import claims_hostile_calls
import claims_io
import claims_limits
import claims_nats
import claims_net
import claims_options
import claims_outputs
import claims_reactors
import claims_replay
import claims_scheduling
import claims_shards
import claims_sim
import claims_wasi
import claims_words
import claims_world
import harness

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
# pylint: disable=wrong-import-position
import surroundings

# In this order: what a reader expects first comes first.
MODULES = [claims_command, claims_words, claims_go, claims_go_test, claims_goroutines, claims_exec,
           claims_scheduling, claims_io, claims_net, claims_sim, claims_shards, claims_nats,
           claims_control, claims_replay, claims_world, claims_outputs, claims_reactors,
           claims_wasi, claims_hostile_calls, claims_engine, claims_compile, claims_debuggers,
           claims_limits, claims_options, claims_errors]

TIMED_ATTEMPTS = 3
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--filter", default="", help="only claims whose sentence contains this")
    parser.add_argument("--without", default="", help="leave out the claims that need one of these")
    parser.add_argument("--engine", default="",
                        help="aot: C and wat guests are compiled first, Go ones are not")
    parser.add_argument("--jobs", type=int, default=1, help="claims that are tried side by side")
    parser.add_argument("--list", action="store_true", help="print the claims, run nothing")
    return parser.parse_args(arguments)


def selected(options):
    missing = set(filter(None, options.without.split(",")))
    order = [module.__name__ for module in MODULES]
    claims = sorted(harness.CLAIMS, key=lambda claim: order.index(claim.check.__module__))
    return [claim for claim in claims
            if options.filter in claim.sentence and not claim.needs & missing]


def complaint(claim, weft):
    """What is wrong with the claim, "" when it holds."""
    try:
        claim.check(weft)
    except AssertionError as failure:
        return str(failure)
    except Exception as error:  # A broken test is a failed test, not the end of the run.
        return f"{type(error).__name__}: {error}"
    return ""


def tried(claim, weft):
    """Returns whether it holds, and the lines that report it.

    Other load on the machine can make a claim about time fail, but never makes a false one hold:
    such a claim may take several attempts, and the line says how many.
    """
    start = time.monotonic()
    for attempt in range(1, (TIMED_ATTEMPTS if "speed" in claim.needs else 1) + 1):
        wrong = complaint(claim, weft)
        if not wrong:
            break
    seconds = f"{time.monotonic() - start:.2f} s"
    if wrong:
        return False, f"FAIL  {claim.sentence}\n{wrong}\n"
    more = f", attempt {attempt}" if attempt > 1 else ""
    return True, f"ok    {claim.sentence} ({seconds}{more})"


class Trying:
    """What a process needs to try claims by their number: set up once in each."""

    claims = []
    weft = None

    @classmethod
    def begin_process(cls, options, scratch, parent):
        """A process of its own ends with its parent, whatever ends that one."""
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        cls.begin(options, scratch)

    @classmethod
    def begin(cls, options, scratch):
        folder = pathlib.Path(scratch) / str(os.getpid())
        folder.mkdir(mode=0o700)
        cls.claims = selected(options)
        cls.weft = harness.Weft(options.weft, options.guests, folder, options.engine)

    @classmethod
    def number(cls, number):
        return tried(cls.claims[number], cls.weft)


def all_tried(options, claims, scratch):
    """Yields the result of each claim, in their order; those about speed are the last."""
    alone = [number for number, claim in enumerate(claims)
             if options.jobs == 1 or "speed" in claim.needs]
    others = [number for number in range(len(claims)) if number not in alone]
    if others:
        with concurrent.futures.ProcessPoolExecutor(
                options.jobs, initializer=Trying.begin_process,
                initargs=(options, scratch, os.getpid())) as pool:
            yield from pool.map(Trying.number, others)
    Trying.begin(options, scratch)
    yield from map(Trying.number, alone)


def main(arguments):
    options = parse(arguments)
    claims = selected(options)
    if options.list:
        print("\n".join(claim.sentence for claim in claims))
        return 0
    if not options.weft.is_file():
        print(f"e2e: no such binary: {options.weft}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="weft-e2e-") as scratch:
        os.chmod(scratch, 0o711)  # A claim may let another user into its own folder.
        harness.Weft(options.weft, options.guests, scratch, options.engine).fill_cache()
        passed = 0
        for held, report in all_tried(options, claims, scratch):
            passed += held
            print(report, flush=True)
    failed = len(claims) - passed
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    surroundings.enter()
    sys.exit(main(sys.argv[1:]))
