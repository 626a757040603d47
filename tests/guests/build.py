#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds every guest of the tests: tests/guests/build.py OUTDIR. See scripts/build_guests.py."""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BUILDER = HERE.parent.parent / "scripts" / "build_guests.py"

if __name__ == "__main__":
    sys.exit(subprocess.call([sys.executable, str(BUILDER), str(HERE), *sys.argv[1:]]))
