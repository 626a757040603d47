# SPDX-License-Identifier: Apache-2.0
"""Runtimes of others on weft.h: how a program of theirs is compiled, linked and run on each target.

A target compiles a source, links a program with weft's half for porters, and names the hosts that
run it: Linux itself; weft, node and wasmtime for wasm32-wasi; node for Emscripten.
"""

import dataclasses
import os
import pathlib
import subprocess
import sys

import run as hosts

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Headers that wasm32-wasi lacks, for what includes them and uses little or nothing.
LACKS = {
    "setjmp.h": "#pragma once\ntypedef void* sigjmp_buf[1];\n",
    "sys/wait.h": "",
    "sys/resource.h": """#pragma once
enum { RLIMIT_NOFILE = 7 };
struct rlimit {
  unsigned long rlim_cur;
  unsigned long rlim_max;
};
#ifdef __cplusplus
extern "C"
#endif
int getrlimit(int what, struct rlimit* limit);
""",
}
PARTS = ["capi", "signals", "os", "scheduler"]


def call(*command, given=None, seconds=120):
    """Runs a command to its end, with text to read; returns what it printed."""
    done = subprocess.run([str(word) for word in command], capture_output=True,
                          encoding="latin-1", timeout=seconds, check=False, input=given)
    if done.returncode != 0:
        raise RuntimeError(f"ended with {done.returncode}: {(done.stdout + done.stderr)[-800:]}")
    return done.stdout


def cpu_s(*command):
    """The CPU time that a command takes, user and system."""
    before = os.times()
    call(*command)
    after = os.times()
    return (after.children_user + after.children_system
            - before.children_user - before.children_system)


def write_lacking(folder):
    """Writes the headers of LACKS; returns the flags that find them and others like them."""
    for name, text in LACKS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return [f"-I{folder}", "-D_WASI_EMULATED_MMAN", "-D_WASI_EMULATED_PROCESS_CLOCKS"]


@dataclasses.dataclass
class Linux:
    """weft's static libraries in a build folder; without one, plain C."""
    build: pathlib.Path | None
    libraries: tuple = ()
    name = "Linux"
    system = "linux"
    suffix = ""

    def compile(self, source, out, *flags, language="c", given=None):
        compiler = ["g++", "-std=gnu++20"] if language == "c++" else ["gcc", "-std=gnu11"]
        call(*compiler, "-x", language, *flags, "-c", source, "-o", out, given=given)

    def link(self, out, *objects):
        weft = []
        if self.build:
            weft = [*(self.build / f"{part}/libweft-{part}.a" for part in PARTS),
                    "-lboost_context", "-lpthread"]
        call("g++", *objects, *weft, *self.libraries, "-o", out)

    def hosts(self, program):
        return {"Linux": [program]}


@dataclasses.dataclass
class Wasm:
    """wasm32-wasi or Emscripten, as scripts/wasm.sh build has made the library."""
    system: str

    @property
    def name(self):
        return {"wasi": "wasm32-wasi", "emscripten": "Emscripten"}[self.system]

    @property
    def library(self):
        return ROOT / f"build/{self.system}/cross/libweft-port.a"

    def compile(self, source, out, *flags, language="c", given=None):
        plus = language == "c++"
        if self.system == "emscripten":
            compiler = ["em++" if plus else "emcc", "-fexceptions"]
        else:
            compiler = hosts.WASI_CPP if plus else ["clang", *hosts.WASI_CPP[1:3]]
        standard = "gnu++20" if plus else "gnu11"
        call(*compiler, f"-std={standard}", "-x", language, *flags, "-c", source, "-o", out,
             given=given)

    def link(self, out, *objects):
        call(sys.executable, ROOT / "cross/link.py", self.system, out, *objects, self.library)

    def hosts(self, program):
        """Commands by the name of the host, to which a program's arguments are appended."""
        here = ROOT / "tests/wasm"
        if self.system == "emscripten":
            return {"node, Emscripten": [*hosts.NODE, here / "node_emscripten.cjs", program]}
        return {"weft": [hosts.WEFT, "run", program],
                "node": [*hosts.NODE, here / "node_wasi.mjs", program],
                "wasmtime": [hosts.wasmtime_python(), here / "wasmtime_wasi.py", program]}

    @property
    def suffix(self):
        return {"wasi": ".wasm", "emscripten": ".js"}[self.system]
