#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a yield costs on each host: bench/wasm/cost.py

After `scripts/wasm.sh test`, and with build/release/tools/weft and the library beside it built.
Runs bench/wasm/yield.c natively and as WebAssembly, with 2, 100 and 1,000 Gs, and Emscripten's own
fibers doing the same; TinyGo's goroutines, too, after bench/wasm/tinygo.py. Prints one row for each
host, as a table of Markdown: nanoseconds of the process's CPU time a yield, in which other programs
on the machine count little. Each figure is the difference of a long run and a short one, so that
starting and compiling count in neither; the least of three rounds, which go through all the hosts
in turn. Nothing says a tab's CPU time: its figure is by the clock.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/wasm"))
import run as hosts  # noqa: E402
import tinygo  # noqa: E402

GS = ["2", "100", "1000"]
ROUNDS = 3
YIELDS = (1_000_000, 5_000_000)
FIBERS = "Emscripten's own fibers, node"
SWAPS = (200_000, 1_000_000)  # They take longer.
PORT = {system: ROOT / f"build/{system}/cross/libweft-port.a" for system in ["wasi", "emscripten"]}


def call(*command):
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)


def build(to):
    source = ROOT / "bench/wasm/yield.c"
    capi = ROOT / "build/release/capi"
    call("cc", "-O2", f"-I{ROOT}", source, "-o", to / "yield", f"-L{capi}",
         f"-Wl,-rpath,{capi}", "-lweft")
    call("clang", "--target=wasm32-wasi", "--sysroot=/usr", "-O2", f"-I{ROOT}", "-c", source, "-o",
         to / "yield-wasi.o")
    call(ROOT / "cross/link.py", "wasi", to / "yield.wasm", to / "yield-wasi.o", PORT["wasi"])
    call("emcc", "-fexceptions", "-O2", f"-I{ROOT}", "-c", source, "-o", to / "yield-em.o")
    call(ROOT / "cross/link.py", "emscripten", to / "yield-em.js", to / "yield-em.o",
         PORT["emscripten"])
    # -O1 at the link: with more it wants a package of JavaScript that Debian only recommends. The
    # module itself is optimized as weft's is.
    call("emcc", "-O2", "-c", ROOT / "bench/wasm/emscripten_fibers.c", "-o", to / "fibers.o")
    call("emcc", "-O1", "-sASYNCIFY", "-sALLOW_MEMORY_GROWTH=1", "-sEXIT_RUNTIME=1",
         to / "fibers.o", "-o", to / "fibers.js")
    call("wasm-opt", "-O2", to / "fibers.wasm", "-o", to / "fibers.wasm")
    if tinygo.is_built():
        tinygo.compile_program(ROOT / "bench/wasm/yield.go", to / "tinygo.wasm")


def rows(to):
    weft = [hosts.WEFT, "run"]
    node = hosts.NODE
    wasi, emscripten = hosts.HERE / "node_wasi.mjs", hosts.HERE / "node_emscripten.cjs"
    commands = {
        "native": [to / "yield"],
        "Asyncify, weft aot": [*weft, "--engine=aot", to / "yield.wasm"],
        "Asyncify, weft jit": [*weft, "--engine=jit", to / "yield.wasm"],
        "Asyncify, wasmtime": [hosts.wasmtime_python(), hosts.HERE / "wasmtime_wasi.py",
                               to / "yield.wasm"],
        "Asyncify, node": [*node, wasi, to / "yield.wasm"],
        "Asyncify, node, Emscripten with C++ exceptions": [*node, emscripten, to / "yield-em.js"],
        FIBERS: [*node, emscripten, to / "fibers.js"],
    }
    if tinygo.is_built():
        commands["TinyGo's goroutines, node"] = [*node, wasi, to / "tinygo.wasm"]
    else:
        print("not measured: TinyGo's goroutines; bench/wasm/tinygo.py builds it", file=sys.stderr)
    return commands


def cpu_s(command):
    """User and system time of a command and what it has started."""
    before = os.times()
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return (after.children_user + after.children_system
            - before.children_user - before.children_system)


def yield_ns(name, command, gs):
    short, long = SWAPS if name == FIBERS else YIELDS
    took = cpu_s([*command, gs, long]) - cpu_s([*command, gs, short])
    return took * 1e9 / (long - short)


def chromium(to):
    hosts.EMSCRIPTEN = to
    cells = []
    for gs in GS:
        rounds = [float(hosts.chromium("yield-em", [gs])[1]) for _ in range(ROUNDS)]
        cells.append(min(rounds))
    page, server, folder = hosts.browser()
    page.close()
    server.shutdown()
    folder.cleanup()
    return cells


def row(name, cells):
    print(f"| {name} | " + " | ".join(f"{cell:.0f}" for cell in cells) + " |", flush=True)


def main():
    with tempfile.TemporaryDirectory() as folder:
        to = pathlib.Path(folder)
        build(to)
        commands = rows(to)
        least = {name: [float("inf")] * len(GS) for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                for i, gs in enumerate(GS):
                    least[name][i] = min(least[name][i], yield_ns(name, command, gs))
        print("| a yield, ns | " + " | ".join(f"{int(gs):,} Gs" for gs in GS) + " |")
        print("|---|" + "---|" * len(GS))
        for name, cells in least.items():
            row(name, cells)
        row("Asyncify, Chromium, Emscripten with C++ exceptions, by the clock", chromium(to))
        node = least["Asyncify, node"]
        times = [least[FIBERS][i] / node[i] for i in range(len(GS))]
        print("Emscripten's own fibers take so many times weft's in node: "
              + ", ".join(f"{ratio:.1f}" for ratio in times))


if __name__ == "__main__":
    main()
