#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How late a ticker is while others ask: tests/host/control_load.py WEFT GUESTDIR [--requests N]

A guest sleeps 10 ms, again and again. Prints how late its sleeps end, from a trace: without a
control socket, and while N requests for the guests are answered over one. Fails when an answer is
missing; the times are for a reader, on a quiet machine.
"""

import argparse
import csv
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

TICKS = 1000
SECONDS = 120


def lateness_us(trace):
    """(p50, p99, worst) of the sleeps of a trace."""
    with open(trace, newline="", encoding="utf-8") as file:
        late = sorted(int(row["detail"]) / 1000 for row in csv.DictReader(file)
                      if row["kind"] == "timer" and row["what"] == "due")
    assert len(late) >= TICKS, len(late)
    return late[len(late) // 2], late[len(late) * 99 // 100], late[-1]


def connected(path):
    deadline = time.monotonic() + SECONDS
    while True:
        client = socket.socket(socket.AF_UNIX)
        try:
            client.connect(str(path))
            return client
        except OSError:
            client.close()
            assert time.monotonic() < deadline, "no weft answers"
            time.sleep(0.01)


def ask(path, requests):
    """How long so many requests took, in seconds."""
    with connected(path) as client, client.makefile("rb") as lines:
        assert json.loads(lines.readline())["control"] == 1
        start = time.monotonic()
        for _ in range(requests):
            client.sendall(b'{"request": "guests"}\n')
            assert json.loads(lines.readline())["ok"]
        return time.monotonic() - start


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--requests", type=int, default=10_000)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="weft-control-") as folder:
        trace, path = pathlib.Path(folder) / "t.csv", pathlib.Path(folder) / "s"
        ticker = [options.weft, "run", "--trace", trace]
        words = [options.guests / "c_ticks.wasm", str(TICKS)]
        for asked in (0, options.requests):
            control = [f"--control={path}"] if asked else []
            with subprocess.Popen([*ticker, *control, *words], stdout=subprocess.DEVNULL) as run:
                took = ask(path, asked) if asked else 0
                assert run.wait(timeout=SECONDS) == 0
            p50, p99, worst = lateness_us(trace)
            print(f"{asked:>6} requests{f' in {took:.1f} s' if asked else '':<12} late: "
                  f"p50 {p50:.0f} us, p99 {p99:.0f} us, worst {worst:.0f} us", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
