# SPDX-License-Identifier: Apache-2.0
"""Puts a test runner into the surroundings that scripts/plainly makes: tests/surroundings_test.py
shows what can be otherwise."""

import os
import pathlib
import sys

PLAINLY = pathlib.Path(__file__).resolve().parent.parent / "scripts" / "plainly"


def enter():
    """Starts this program again, unless its surroundings are plain."""
    if os.environ.get("WEFT_PLAIN") != "1":
        os.execv(PLAINLY, [str(PLAINLY), sys.executable, *sys.argv])
