#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does --tier-up disturb a ticker? How late its ticks are while a module is compiled beside it:

    bench/tier_up_ticks.py WEFT GUESTDIR [--rounds N] [--seconds N]

weft runs two guests for N seconds (40), with --tier-up off and on in turns, each time with an empty
cache: one that ticks every 50 ms, and a program of Go that computes, which has its 2.6 MB compiled
from 3 s on, half a minute of work for all processors at the lowest priority. A second ticker is a
process of its own, which sleeps between its ticks; both are looked at from second 4 on. Prints how
late the ticks were, in microseconds: the median, the 99th percentile and the worst of all rounds;
and whether the object was made meanwhile. Ends with 1 when no compiler was at work. Needs Go
(scripts/go.sh finds it) and a C compiler.
"""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIRST_SECONDS = 4  # Until the compiler is at work.
TICK_SECONDS = 0.05

COMPUTES = """package main

//go:noinline
func step(x uint32) uint32 { return x*1664525 + 1013904223 }

var sink uint32

func main() {
	for {
		sink = step(sink)
	}
}
"""


def built(folder):
    (folder / "computes.go").write_text(COMPUTES)
    go = subprocess.run([ROOT / "scripts" / "go.sh"], capture_output=True, text=True, check=True)
    subprocess.run([go.stdout.strip(), "build", "-o", "computes.wasm", "computes.go"], cwd=folder,
                   check=True, env={**os.environ, "GOOS": "wasip1", "GOARCH": "wasm"})
    return folder / "computes.wasm"


def tick(seconds):
    """This process as a ticker: microseconds that each tick was late."""
    late = []
    due, end = time.monotonic() + TICK_SECONDS, time.monotonic() + seconds
    while due < end:
        time.sleep(max(0.0, due - time.monotonic()))
        late.append(round((time.monotonic() - due) * 1e6))
        due += TICK_SECONDS
    return late


def end_compilers(folder):
    """What --tier-up has started goes on for later runs. Here there are none."""
    for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"XDG_CACHE_HOME={folder}\0".encode() in path.read_bytes():
                os.kill(int(path.parent.name), signal.SIGTERM)
        except OSError:
            pass


def one_run(options, module, folder, mode):
    """(ticks of the guest, ticks of this process, was an object made or in the making?)"""
    command = [options.weft, "run", "--engine=auto", f"--tier-up={mode}", module, ":::",
               options.guests / "c_metronome.wasm"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "XDG_CACHE_HOME": str(folder)}) as weft:
        own = tick(options.seconds)
        compiled = list(folder.glob("weft/*.so")) or list(folder.glob("weft/work-*"))
        weft.kill()
        told = weft.stdout.read()
    end_compilers(folder)
    first = round(FIRST_SECONDS / TICK_SECONDS)
    guest = [int(late) for late in re.findall(r"late (\d+) us\n", told)]
    return guest[first:], own[first:], bool(compiled)


def row(what, mode, late):
    late = sorted(late)
    figures = [late[len(late) // 2], late[len(late) * 99 // 100], late[-1]]
    print(f"{what:<22} {mode:<4} {len(late):>7} " + " ".join(f"{us:>9}" for us in figures))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=40)
    options = parser.parse_args()
    if options.seconds <= FIRST_SECONDS:
        parser.error(f"--seconds: more than {FIRST_SECONDS}")
    late = {(who, mode): [] for who in ("the guest", "a process of its own")
            for mode in ("off", "on")}
    compiled = []
    with tempfile.TemporaryDirectory(prefix="weft-tier-up-") as scratch:
        module = built(pathlib.Path(scratch))
        for number in range(options.rounds):
            for mode in ("off", "on"):
                folder = pathlib.Path(scratch) / f"cache-{number}-{mode}"
                folder.mkdir(mode=0o700)
                guest, own, was_compiled = one_run(options, module, folder, mode)
                late["the guest", mode] += guest
                late["a process of its own", mode] += own
                compiled += [was_compiled] if mode == "on" else []
    print(f"{'ticker':<22} {'':<4} {'ticks':>7} {'median us':>9} {'p99 us':>9} {'worst us':>9}")
    for (who, mode), ticks in late.items():
        row(who, mode, ticks)
    print(f"the compiler was at work in {sum(compiled)} of {len(compiled)} rounds")
    return 0 if all(compiled) else 1


if __name__ == "__main__":
    sys.exit(main())
