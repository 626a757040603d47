#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""libdill's own tests on weft.h: tests/libdill/run.py [BUILDDIR] [--own] [--perf]

libdill (github.com/sustrik/libdill, MIT) is structured concurrency for C, and nobody of weft wrote
it. The variable WEFT_LIBDILL names a folder where its source is unpacked; without it nothing is
run, and the last line says so. No file of libdill is changed: glue.inc stands before each of its
sources and gives it another machine (tests/libdill/glue.c), which is weft's scheduler.

--own runs the same tests on libdill's own machine; --perf its measurements of a switch, of go and
of a channel instead. Prints a line a test, and `N passed, N failed`.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = ROOT / "tests/libdill"
TIMEOUT_S = 60
# What its Makefile builds with sockets and without threads and TLS.
TESTS = ("example go1 go2 go3 go4 go5 fd handle chan choose sleep signals overload rbtree bundle "
         "ipaddr iol tcp ipc prefix socks5 suffix udp http ws term happyeyeballs").split()
PERF = ["ctxswitch", "go", "chan"]
PARTS = ["capi", "signals", "os", "scheduler"]
FLAGS = ["-O2", "-w", "-DDILL_SOCKETS", "-DDILL_POLL", "-fno-strict-aliasing"]


def call(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ended with {done.returncode}: {(done.stdout + done.stderr)[-800:]}")
    return done.stdout


def main(arguments):
    source = os.environ.get("WEFT_LIBDILL")
    own, perf = "--own" in arguments, "--perf" in arguments
    build = ROOT / next((word for word in arguments if word[0] != "-"), "build/release")
    if not source:
        print("not run: WEFT_LIBDILL names no folder with libdill's source")
        return 0
    dill = pathlib.Path(source)
    flags = [*FLAGS, f"-I{dill}"]
    # One of its tests includes a source that the library has, too.
    links = ["-lrt", "-Wl,--allow-multiple-definition"]
    if not own:
        flags += [f"-I{ROOT}", "-include", HERE / "glue.inc"]
        # The port's parts alone.
        links += [build / f"{part}/libweft-{part}.a" for part in PARTS]
        links += ["-lboost_context", "-lpthread", "-Wl,-z,execstack"]
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        to = pathlib.Path(folder)
        objects = []
        for path in sorted([*dill.glob("*.c"), *dill.glob("dns/*.c")]):
            if path.name == "tls.c":
                continue
            as_weft = ["-Dpoll=weft_glue_poll"] if path.name == "pollset.c" and not own else []
            objects.append(to / f"{path.stem}.o")
            call("gcc", "-std=gnu99", *flags, *as_weft, "-c", path, "-o", objects[-1])
        if not own:
            objects.append(to / "glue.o")
            call("gcc", "-std=gnu11", *flags, "-c", HERE / "glue.c", "-o", objects[-1])
        for test in PERF if perf else TESTS:
            try:
                renamed = [] if own else ["-Dmain=weft_glue_main"]
                call("gcc", "-std=gnu99", *flags, *renamed, "-c",
                     dill / ("perf" if perf else "tests") / f"{test}.c", "-o", to / "test.o")
                call("g++", to / "test.o", *objects, *links, "-o", to / "test")
                said = call(to / "test", *(["1"] if perf else []))
                passed += 1
                print(f"ok    {test} {said.splitlines()[1] if perf else ''}".rstrip())
            except (RuntimeError, subprocess.TimeoutExpired) as e:
                failed += 1
                print(f"FAIL  {test}: {e}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
