#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does jit compile what is as large as it may be in linear time and bounded memory?

    tests/hostile/large.py WEFT

Functions of megabytes, a br_table of a million labels, 50,000 locals, nesting of 300,000. Each is
run at a quarter of its size and whole: the whole may take 6 times the processor's time of the
quarter (beside what any start takes), and no more than 2 s and 256 MiB. Prints a line for each,
with MB of module a second, and `N passed, N failed`.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

from wasm import (DROP, END, I32, I32_ADD, I64, NOP, Module, block, br_if, const, local_get,
                  local_set, uleb)

SECONDS_MAX = 2.0
MIB_MAX = 256
RATIO_MAX = 6
START_SECONDS = 0.05  # Of any module; what a quarter takes at least counts as this.


def table(labels):
    jump = const(3) + b"\x0e" + uleb(labels) + bytes(i % 8 for i in range(labels)) + uleb(0)
    return block(b"\x02\x40" * 7 + jump + END * 7)


# What each is, and its body by its size in steps.
SHAPES = {
    "additions": (1_200_000, lambda n: local_get(0) + (const(1) + I32_ADD) * n + DROP, [(1, I32)]),
    "a br_table": (1_000_000, table, ()),
    "50,000 locals": (1_000_000, lambda n: (local_get(49_999) + local_set(3)) * n,
                      [(50_000, I64)]),
    "nested blocks": (300_000, lambda n: b"\x02\x40" * n + END * n, ()),
    "nested loops": (300_000, lambda n: b"\x03\x40" * n + END * n, ()),
    "nested ifs": (300_000, lambda n: (const(1) + b"\x04\x40") * n + END * n, ()),
    "branches": (1_000_000, lambda n: block((const(0) + br_if(0) + NOP) * n), ()),
    "vectors": (400_000, lambda n: b"".join(b"\xfd\x0c" + i.to_bytes(16, "little") + DROP
                                            for i in range(n)), ()),
}


def make(folder):
    for number, (steps, body, local_groups) in enumerate(SHAPES.values()):
        for part, count in (("quarter", steps // 4), ("whole", steps)):
            binary = Module(body(count), local_groups).binary()
            pathlib.Path(folder, f"{number}-{part}.wasm").write_bytes(binary)


def run(weft, module):
    """Processor seconds, MiB resident at most, and what is wrong."""
    command = [weft, "run", "--engine", "jit", module]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        said = process.stderr.read().decode(errors="replace").strip()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wrong = said or f"exit code {process.returncode}" if process.returncode else ""
    return used.ru_utime + used.ru_stime, used.ru_maxrss // 1024, wrong


def check(weft, folder, number):
    quarter, _, wrong = run(weft, folder / f"{number}-quarter.wasm")
    module = folder / f"{number}-whole.wasm"
    whole, mib, wrong_whole = run(weft, module)
    size = module.stat().st_size / 1e6
    text = f"{size:.1f} MB in {whole:.2f} s, {size / whole:.0f} MB/s, {mib} MiB"
    wrong = wrong or wrong_whole
    if not wrong and (whole > SECONDS_MAX or mib > MIB_MAX):
        wrong = "more than it may take"
    if not wrong and whole > RATIO_MAX * max(quarter, START_SECONDS):
        wrong = f"not linear: a quarter of it takes {quarter:.2f} s"
    return text, wrong


def main(weft):
    failed = 0
    with tempfile.TemporaryDirectory(prefix="weft-large-") as scratch:
        folder = pathlib.Path(scratch)
        # In a process of its own: what it holds would count as the children's.
        subprocess.run([sys.executable, __file__, "--make", folder], check=True)
        for number, name in enumerate(SHAPES):
            text, wrong = check(weft, folder, number)
            failed += wrong != ""
            print(f"{'FAIL' if wrong else 'ok':4}  {name}: {text}{': ' + wrong if wrong else ''}")
    print(f"{len(SHAPES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--make":
        make(sys.argv[2])
    elif len(sys.argv) == 2:
        sys.exit(main(sys.argv[1]))
    else:
        sys.exit(__doc__)
