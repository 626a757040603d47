#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a yield costs on each host: bench/wasm/cost.py

After `scripts/wasm.sh test`, and with build/release/tools/weft and the library beside it built.
Runs bench/wasm/yield.c natively and as WebAssembly, with 2, 100 and 1,000 Gs, and Emscripten's own
fibers doing the same, and prints nanoseconds: the least of five rounds, on a machine with nothing
else to do. One row for each host, as a table of Markdown.
"""

import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/wasm"))
import run as hosts  # noqa: E402

GS = ["2", "100", "1000"]
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
    call("emcc", "-O2", "-sASYNCIFY", "-sALLOW_MEMORY_GROWTH=1", "-sEXIT_RUNTIME=1",
         ROOT / "bench/wasm/emscripten_fibers.c", "-o", to / "fibers.js")


def rows(to):
    weft = [hosts.WEFT, "run"]
    node = hosts.NODE
    wasi, emscripten = hosts.HERE / "node_wasi.mjs", hosts.HERE / "node_emscripten.cjs"
    return {
        "native": [to / "yield"],
        "Asyncify, weft aot": [*weft, "--engine=aot", to / "yield.wasm"],
        "Asyncify, weft jit": [*weft, "--engine=jit", to / "yield.wasm"],
        "Asyncify, wasmtime": [hosts.wasmtime_python(), hosts.HERE / "wasmtime_wasi.py",
                               to / "yield.wasm"],
        "Asyncify, node": [*node, wasi, to / "yield.wasm"],
        "Asyncify, node, Emscripten with C++ exceptions": [*node, emscripten, to / "yield-em.js"],
        "Emscripten's own fibers, node": [*node, emscripten, to / "fibers.js"],
    }


def chromium(to):
    hosts.EMSCRIPTEN = to
    cells = []
    for gs in GS:
        _, text = hosts.chromium("yield-em", [gs])
        cells.append(text.strip())
    page, server, folder = hosts.browser()
    page.close()
    server.shutdown()
    folder.cleanup()
    return cells


def main():
    with tempfile.TemporaryDirectory() as folder:
        to = pathlib.Path(folder)
        build(to)
        print("| a yield, ns | " + " | ".join(f"{gs} Gs" for gs in GS) + " |")
        print("|---|" + "---|" * len(GS))
        for name, command in rows(to).items():
            cells = [hosts.ran(*command, gs)[1].strip() for gs in GS]
            print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
        print("| Asyncify, Chromium, Emscripten with C++ exceptions | "
              + " | ".join(chromium(to)) + " |")


if __name__ == "__main__":
    main()
