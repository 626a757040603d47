#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds TinyGo, and a program with it: bench/wasm/tinygo.py [SOURCE.go OUT.wasm]

For bench/wasm/cost.py, which then has a row of TinyGo's goroutines. Takes some minutes, and needs

    apt-get install golang llvm-19-dev libclang-19-dev clang-19 lld-19 wasi-libc \\
        libclang-rt-14-dev-wasm32 binaryen

TinyGo's source is that of Go's module proxy. It lacks what TinyGo's own build takes from elsewhere;
Debian's packages stand in: LLVM, the C library, the helpers of the compiler. All of it goes into
build/tinygo.
"""

import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HOME = ROOT / "build/tinygo"
VERSION = "v0.37.0"
GO = "go1.24.6"  # The newest that this TinyGo takes; the go command fetches it.
BUILTINS = pathlib.Path(
    "/usr/lib/llvm-14/lib/clang/14.0.6/lib/wasi/libclang_rt.builtins-wasm32.a")


def output_of(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True,
                          env=os.environ | {"GOTOOLCHAIN": GO}).stdout


def is_built():
    return (HOME / "tinygo").exists()


def build():
    module = json.loads(output_of("go", "mod", "download", "-json",
                                  f"github.com/tinygo-org/tinygo@{VERSION}"))
    source = HOME / "source"
    shutil.rmtree(HOME, ignore_errors=True)
    shutil.copytree(module["Dir"], source)
    subprocess.run(["chmod", "-R", "u+w", source], check=True)
    (source / "src/net").mkdir()  # Its package net is another repository; none is needed here.
    sysroot = source / "lib/wasi-libc/sysroot"
    (sysroot / "lib").mkdir(parents=True)
    (sysroot / "lib/wasm32-wasi").symlink_to("/usr/lib/wasm32-wasi")
    (sysroot / "include").symlink_to("/usr/include/wasm32-wasi")
    target = json.loads((source / "targets/wasip1.json").read_text())
    del target["rtlib"]
    target["ldflags"].append(str(BUILTINS))
    (HOME / "wasip1-debian.json").write_text(json.dumps(target, indent=2))
    output_of("go", "-C", str(source), "build", "-tags", "llvm19", "-o", str(HOME / "tinygo"), ".")


@functools.cache
def go_root():
    return pathlib.Path(output_of("go", "env", "GOROOT").strip())


def compile_program(source, out):
    environment = os.environ | {
        "GOTOOLCHAIN": "local", "GOROOT": str(go_root()), "TINYGOROOT": str(HOME / "source"),
        "PATH": f"{go_root() / 'bin'}:{os.environ['PATH']}"}
    subprocess.run([HOME / "tinygo", "build", f"-target={HOME / 'wasip1-debian.json'}",
                    "-scheduler=asyncify", "-opt=2", "-o", out, source], check=True,
                   env=environment)


def main():
    if len(sys.argv) not in (1, 3):
        sys.exit(__doc__)
    if not is_built():
        build()
    if len(sys.argv) == 3:
        compile_program(*sys.argv[1:])


if __name__ == "__main__":
    main()
