#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Guests copy a tree of files: tests/host/copy_tree.py WEFT GUESTDIR [--files N] [--engine E]

A C guest and a Go guest, one after the other and then both at once, copy a tree of N files (10,000)
under a directory that they were given. The copies must be the same byte for byte: names, contents,
links, empty files and directories, and nothing more. The tree is made from a fixed seed; its names
are in several scripts, its files up to 100 KiB long. Prints what it took, and `N passed, N failed`.
"""

import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

FILES_PER_DIRECTORY = 40
TIMEOUT_S = 900
NAMES = ["file", "größer", "файл", "文件", "with space", ".hidden", "a" * 200]


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--engine", default="jit")
    return parser.parse_args(arguments)


def size_of_file(dice):
    """Most files are small, a few are not, some are empty."""
    large = 100_000 if dice.random() < 0.1 else 0
    return dice.choice([0, 1, 100, 100, 1000, 1000, 4096, 5000, 20_000, large])


def make_tree(root, files):
    dice = random.Random(files)
    directories = [root]
    root.mkdir()
    for number in range(files):
        if number % FILES_PER_DIRECTORY == 0:
            parent = dice.choice(directories[-20:])
            directories.append(parent / f"dir {number}")
            directories[-1].mkdir()
        path = directories[-1] / f"{dice.choice(NAMES)}{number}"
        if number % 50 == 49:
            path.symlink_to(f"../{directories[-1].name}/nowhere{number}")
        else:
            path.write_bytes(dice.randbytes(size_of_file(dice)))
    (root / "empty").mkdir()


def picture(root):
    """Every name below root, with what it is and holds."""
    found = {}
    for where, directories, names in os.walk(root):
        for name in directories + names:
            path = pathlib.Path(where) / name
            key = str(path.relative_to(root))
            if path.is_symlink():
                found[key] = ("link", os.readlink(path))
            elif path.is_dir():
                found[key] = ("directory",)
            else:
                found[key] = ("file", path.read_bytes())
    return found


def copy(options, root, guests):
    """Runs the guests together; each makes a copy of its own. Returns the copies."""
    words, copies = [], []
    for guest in guests:
        name = f"copy by {guest} of {len(guests)}"
        copies.append(root / name)
        words += [":::"] * bool(words) + ["--dir", f"{root}::/tree",
                                          options.guests / f"{guest}.wasm",
                                          "/tree/from", f"/tree/{name}"]
    done = subprocess.run([options.weft, "run", "--engine", options.engine, *words],
                          stdin=subprocess.DEVNULL, text=True, capture_output=True,
                          timeout=TIMEOUT_S, check=False)
    expected = f"copied {options.files}\n" * len(guests)
    assert done.returncode == 0 and done.stdout == expected, (done.returncode, done.stdout,
                                                              done.stderr)
    return copies


def main(arguments):
    options = parse(arguments)
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="weft-tree-") as scratch:
        root = pathlib.Path(scratch)
        make_tree(root / "from", options.files)
        wanted = picture(root / "from")
        for guests in [["c_copytree"], ["go_copytree"], ["c_copytree", "go_copytree"]]:
            start = time.monotonic()
            try:
                copies = copy(options, root, guests)
                seconds = time.monotonic() - start
                same = all(picture(made) == wanted for made in copies)
                assert same, "a copy differs from the tree"
                passed += 1
                print(f"ok    {' and '.join(guests)}: {options.files} files in {seconds:.1f} s",
                      flush=True)
            except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"FAIL  {' and '.join(guests)}: {error}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
