#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast C programs run as guests, side by side:

    bench/guest_speed.py WEFT [--json FILE] [--rounds N] [--filter TEXT] [--interp] [--table]
        [--smoke]

The programs of bench/programs, each as a native program (gcc -O2), as a guest of WEFT's engine
aot with fuel points, without them, and with --bounds=check, of its engine jit with both bounds,
under node, and under wasmtime where its Python package is installed (pip install wasmtime); with
--interp once on the engine interp, too, which takes minutes. Two programs a second time with
128-bit SIMD (clang -msimd128 vectorises them), without aot, which lacks it. All run in turns,
several times. The fastest run of each counts, in CPU seconds, less the time that a program which
does nothing takes in the same way; of wasmtime only the call of _start is measured. All ways must
print the same. Prints seconds and, at the end, the speeds of aot and of jit as parts of the others,
geometric means of the programs that both ran. --table: rows of Markdown behind it. --smoke: one
round of the shortest program, for tests.
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
SIMD = ["nbody", "sha256"]
FLAGS = {"": ["-O2"], ", SIMD": ["-O2", "-msimd128"]}
SECONDS_MIN = 1e-3  # A shorter time can't be told from that of a start.


def build(source, folder, flags):
    """Returns the native program and the guest."""
    native, guest = folder / source.stem, folder / f"{source.stem}.wasm"
    subprocess.run(["gcc", "-O2", "-w", source, "-o", native, "-lm"], check=True)
    subprocess.run(["clang", "--target=wasm32-wasi", *flags, "-w", source, "-o", guest, "-lm"],
                   check=True)
    return native, guest


def ways(weft, native, guest, node, has_simd):
    """Name of a way -> its command."""
    run = [weft, "run", "--engine=aot"]
    jit = [weft, "run", "--engine=jit"]
    found = {"native": [native], "aot": [*run, guest], "jit": [*jit, guest],
             "jit, bounds checked": [*jit, "--bounds=check", guest],
             "aot, no fuel points": [*run, "--no-checks", guest],
             "aot, bounds checked": [*run, "--bounds=check", guest],
             "interp": [weft, "run", "--engine=interp", guest]}
    if has_simd:
        found = {way: command for way, command in found.items() if not way.startswith("aot")}
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


def measure(weft, source, folder, options, simd=""):
    node = folder / "run.cjs"
    node.write_text(NODE)
    native, guest = build(source, folder, FLAGS[simd])
    commands = ways(weft, native, guest, node, bool(simd))
    best = {}
    for turn in range(options.rounds + 1):  # The first is for the caches.
        printed = set()
        for way, command in commands.items():
            if way == "interp" and (turn > 0 or not options.interp):
                continue
            spent, out = seconds(command)
            best[way] = min(best.get(way, math.inf), spent)
            printed.add(out)
        if len(printed) != 1:
            sys.exit(f"{source.name}: the ways print different things: {printed}")
    return best


def starts(weft, folder, options):
    """What each way takes for a program that does nothing."""
    source = folder / "empty.c"
    source.write_text(EMPTY)
    best = measure(weft, source, folder, options)
    return {way: 0.0 if way == "wasmtime" else spent for way, spent in best.items()}


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def speeds(engine, results):
    """The engine's speed as a part of each way's, over the programs that both ran."""
    means = {}
    for way in next(iter(results.values())):
        both = [best for best in results.values() if way in best and engine in best]
        if both:
            means[way] = geometric_mean([best[way] / best[engine] for best in both])
            print(f"  {engine} as a part of {way:<20} {means[way]:.3f}  ({len(both)} programs)")
    return means


def all_seconds(weft, folder, sources, start, options):
    results = {}
    for source in sources:
        for simd in ["", ", SIMD"] if source.stem in SIMD else [""]:
            best = measure(weft, source, folder, options, simd)
            best = {way: max(s - start[way], SECONDS_MIN) for way, s in best.items()}
            results[source.stem + simd] = best
            print(f"{source.stem + simd:<20}", *(f"{way} {s:.3f} s  " for way, s in best.items()),
                  flush=True)
    return results


def print_table(results):
    """Seconds, and below them the geometric means of each way's speed as a part of native's."""
    ways_shown = max(results.values(), key=len)
    print("\n| CPU seconds | " + " | ".join(ways_shown) + " |")
    print("|---|" + "---|" * len(ways_shown))
    for name, best in results.items():
        cells = (f"{best[way]:.3g}" if way in best else "" for way in ways_shown)
        print(f"| {name} | " + " | ".join(cells) + " |")
    means = []
    for way in ways_shown:
        both = [best["native"] / best[way] for best in results.values() if way in best]
        means.append(f"{geometric_mean(both):.3g}")
    print("| speed, native is 1 | " + " | ".join(means) + " |")


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--filter", default="", help="only programs whose names contain this")
    parser.add_argument("--interp", action="store_true", help="once on interp, too: minutes")
    parser.add_argument("--table", action="store_true", help="rows of Markdown, too")
    parser.add_argument("--smoke", action="store_true", help="one round of one program")
    options = parser.parse_args(arguments)
    if options.smoke:
        options.filter, options.rounds = SMOKE, 1
    sources = [source for source in sorted((HERE / "programs").glob("*.c"))
               if options.filter in source.stem]
    if not sources:
        parser.error(f"no program of bench/programs has {options.filter!r} in its name")
    with tempfile.TemporaryDirectory(prefix="weft-speed-") as scratch:
        os.environ["XDG_CACHE_HOME"] = scratch
        folder, weft = pathlib.Path(scratch), options.weft.resolve()
        start = starts(weft, folder, options)
        print(f"{'(start)':<20}", *(f"{way} {s:.3f} s  " for way, s in start.items()), flush=True)
        results = all_seconds(weft, folder, sources, start, options)
    print("\nspeed, geometric means:")
    of_aot, of_jit = (speeds(engine, results) for engine in ("aot", "jit"))
    if options.table:
        print_table(results)
    if options.json:
        figures = {"start": start, "seconds": results, "speed_of_aot": of_aot,
                   "speed_of_jit": of_jit}
        options.json.write_text(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
