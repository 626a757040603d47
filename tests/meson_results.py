#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts what `meson test` ran: tests/meson_results.py BUILDDIR

Reads BUILDDIR/meson-logs/testlog.json. A doctest program counts as its test cases, any other test
as one; a program that died, timed out or failed without saying so adds one failure. Prints what
failed tests printed and, on the last line, `N passed, N failed`.
"""

import json
import pathlib
import re
import sys

SUMMARY = re.compile(r"test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SHOWN_LINES_MAX = 80


def count(test):
    """Returns (passed, failed) of one entry of the log."""
    held = test["result"] in ("OK", "EXPECTEDFAIL")
    summary = SUMMARY.search(COLOUR.sub("", test.get("stdout") or ""))
    passed, failed = map(int, summary.groups()) if summary else (int(held), 0)
    if not held and not failed:
        failed = 1
    return passed, failed


def show(test):
    text = (test.get("stdout") or "") + (test.get("stderr") or "")
    lines = COLOUR.sub("", text).splitlines()
    print(f"FAIL  {test['name']}: {test['result']}, exit {test.get('returncode')}")
    print("\n".join(lines[-SHOWN_LINES_MAX:]) + "\n")


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 64
    log = pathlib.Path(arguments[0]) / "meson-logs" / "testlog.json"
    passed = failed = 0
    for line in log.read_text().splitlines() if log.exists() else []:
        test = json.loads(line)
        good, bad = count(test)
        passed, failed = passed + good, failed + bad
        if bad:
            show(test)
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
