#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes hostile modules, the same ones for the same seed on every machine.

    tests/hostile/generate.py OUTDIR [--count 200] [--seed 1]

Each is of one family (families.py) in turn, and named NNN_family.wasm.
"""

import argparse
import pathlib
import random

from families import FAMILIES


def modules(count, seed):
    for number in range(count):
        family = FAMILIES[number % len(FAMILIES)]
        yield f"{number:03}_{family.__name__}", family(random.Random(f"{seed} {number}"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("outdir", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.outdir.mkdir(parents=True, exist_ok=True)
    for old in options.outdir.glob("*.wasm"):
        old.unlink()
    for name, binary in modules(options.count, options.seed):
        (options.outdir / f"{name}.wasm").write_bytes(binary)


if __name__ == "__main__":
    main()
