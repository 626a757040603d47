#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast C programs run as guests, side by side:

    bench/guest_speed.py WEFT [--json FILE] [--rounds N] [--filter TEXT] [--smoke]

The programs of bench/programs, each as a native program (gcc -O2), as a guest of WEFT's engine
aot with fuel points, without them, and with --bounds=check, of its engine jit with both bounds,
under node, and under wasmtime where its Python package is installed (pip install wasmtime). All
run in turns, several times. The fastest run of each counts, in CPU seconds, less the time that a
program which does nothing takes in the same way; of wasmtime only the call of _start is measured.
All ways must print the same. Prints seconds and, at the end, ratios as geometric means. --smoke:
one round of the shortest program, for tests.
"""

import argparse
import importlib.util
import json
import math
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
NODE = """
const { WASI } = require('node:wasi'), fs = require('node:fs');
const wasi = new WASI({ version: 'preview1', args: ['guest'] });
const code = new WebAssembly.Module(fs.readFileSync(process.argv[2]));
wasi.start(new WebAssembly.Instance(code, { wasi_snapshot_preview1: wasi.wasiImport }));
"""
WASMTIME = """
import sys, time, wasmtime
store = wasmtime.Store(wasmtime.Engine())
linker = wasmtime.Linker(store.engine)
linker.define_wasi()
wasi = wasmtime.WasiConfig()
wasi.inherit_stdout()
wasi.argv = ['guest']
store.set_wasi(wasi)
module = wasmtime.Module.from_file(store.engine, sys.argv[1])
start = linker.instantiate(store, module).exports(store)["_start"]
begin = time.process_time()
try:
    start(store)
except wasmtime.ExitTrap:
    pass
print(time.process_time() - begin, file=sys.stderr)
"""


EMPTY = "int main(void) { return 0; }\n"
SMOKE = "binary_trees"
SECONDS_MIN = 1e-3  # A shorter time can't be told from that of a start.


def build(source, folder):
    """Returns the native program and the guest."""
    native, guest = folder / source.stem, folder / f"{source.stem}.wasm"
    subprocess.run(["gcc", "-O2", "-w", source, "-o", native, "-lm"], check=True)
    subprocess.run(["clang", "--target=wasm32-wasi", "-O2", "-w", source, "-o", guest, "-lm"],
                   check=True)
    return native, guest


def ways(weft, native, guest, node):
    """Name of a way -> its command."""
    run = [weft, "run", "--engine=aot"]
    jit = [weft, "run", "--engine=jit"]
    found = {"native": [native], "aot": [*run, guest], "jit": [*jit, guest],
             "jit, bounds checked": [*jit, "--bounds=check", guest],
             "aot, no fuel points": [*run, "--no-checks", guest],
             "aot, bounds checked": [*run, "--bounds=check", guest]}
    if shutil.which("node"):
        found["node"] = ["node", "--no-warnings", node, guest]
    if importlib.util.find_spec("wasmtime"):
        found["wasmtime"] = [sys.executable, "-c", WASMTIME, guest]
    return found


def seconds(command):
    """CPU seconds of a run, and what it printed. Other load on the machine does not count."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return float(done.stderr) if WASMTIME in command else spent, done.stdout


def measure(weft, source, folder, rounds):
    node = folder / "run.cjs"
    node.write_text(NODE)
    native, guest = build(source, folder)
    commands = ways(weft, native, guest, node)
    best = {}
    for _ in range(rounds + 1):  # The first is for the caches.
        printed = set()
        for way, command in commands.items():
            spent, out = seconds(command)
            best[way] = min(best.get(way, math.inf), spent)
            printed.add(out)
        if len(printed) != 1:
            sys.exit(f"{source.name}: the ways print different things: {printed}")
    return best


def starts(weft, folder):
    """What each way takes for a program that does nothing."""
    source = folder / "empty.c"
    source.write_text(EMPTY)
    best = measure(weft, source, folder, 5)
    return {way: 0.0 if way == "wasmtime" else spent for way, spent in best.items()}


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--filter", default="", help="only programs whose names contain this")
    parser.add_argument("--smoke", action="store_true", help="one round of one program")
    options = parser.parse_args(arguments)
    if options.smoke:
        options.filter, options.rounds = SMOKE, 1
    sources = [source for source in sorted((HERE / "programs").glob("*.c"))
               if options.filter in source.stem]
    if not sources:
        parser.error(f"no program of bench/programs has {options.filter!r} in its name")
    results = {}
    with tempfile.TemporaryDirectory(prefix="weft-speed-") as scratch:
        os.environ["XDG_CACHE_HOME"] = scratch
        folder, weft = pathlib.Path(scratch), options.weft.resolve()
        start = starts(weft, folder)
        print(f"{'(start)':<14}", *(f"{way} {s:.3f} s  " for way, s in start.items()), flush=True)
        for source in sources:
            best = measure(weft, source, folder, options.rounds)
            best = {way: max(s - start[way], SECONDS_MIN) for way, s in best.items()}
            results[source.stem] = best
            print(f"{source.stem:<14}", *(f"{way} {s:.3f} s  " for way, s in best.items()),
                  flush=True)
    means = {way: geometric_mean([best[way] / best["aot"] for best in results.values()])
             for way in next(iter(results.values()))}
    print("\nspeed of aot with fuel points, as a part of (geometric mean of", len(results),
          "programs):")
    for way, mean in means.items():
        print(f"  {way:<20} {mean:.3f}")
    if options.json:
        figures = {"start": start, "seconds": results, "speed_of_aot": means}
        options.json.write_text(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
