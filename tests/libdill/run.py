#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""libdill's own tests on weft.h: tests/libdill/run.py [BUILDDIR] [--wasm] [--own] [--perf]

libdill (github.com/sustrik/libdill, MIT) is structured concurrency for C, and nobody of weft wrote
it. The variable WEFT_LIBDILL names a folder where its source is unpacked; without it nothing is
run, and the last line says so. No file of libdill is changed: glue.inc stands before each of its
sources and gives it another machine (tests/libdill/glue.c), which is weft's scheduler.

--wasm runs what needs no socket, process or signal as WebAssembly, after `scripts/wasm.sh build`:
under weft, node and wasmtime, and with Emscripten under node. --own runs the tests on libdill's own
machine; --perf runs its measurements of a switch, of go and of a channel instead, and prints their
CPU time. Prints a line a test, and `N passed, N failed`.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = ROOT / "tests/libdill"
sys.path.insert(0, str(ROOT / "tests/wasm"))
import others  # noqa: E402

TEST_S = 20
# What its Makefile builds with sockets and without threads and TLS.
NEED_A_HOST = ("fd signals ipaddr iol tcp ipc prefix socks5 suffix udp http ws term "
               "happyeyeballs").split()
TESTS = "example go1 go2 go3 go4 go5 handle chan choose sleep overload rbtree bundle".split()
PERF = ["ctxswitch", "go", "chan"]
ROUNDS = 3
# One of its tests does not always come to its end on its own machine either, with poll or with
# epoll: tcp_close skips what the other side has sent and looks at its deadline only when nothing
# is there, and the other side sends as fast as it can. It gets more attempts, and says how many.
ATTEMPTS = {"tcp": 5}
# libdill without its sockets.
CORE = "chan cr ctx handle libdill now pollset rbtree stack utils".split()
# SLOW_TESTS: its claims about time hold on a busy machine.
FLAGS = ["-O2", "-w", "-DDILL_POLL", "-DDILL_SLOW_TESTS=1", "-fno-strict-aliasing"]


def ended(command, attempts):
    """Runs a program to its end; returns how many attempts that took."""
    for attempt in range(1, attempts):
        try:
            others.call(*command, seconds=TEST_S)
            return attempt
        except subprocess.TimeoutExpired:
            pass
    others.call(*command, seconds=TEST_S)
    return attempts


def measured(command):
    """Nanoseconds of CPU time: each program takes how many millions of its operation it does."""
    longer = min(others.cpu_s(*command, "4") for _ in range(ROUNDS))
    shorter = min(others.cpu_s(*command, "1") for _ in range(ROUNDS))
    return f"{(longer - shorter) / 3e6 * 1e9:.0f} ns"


class Libdill:
    """libdill compiled for a target, and its programs."""

    def __init__(self, target, dill, to, *, own=False, perf=False):
        self.target, self.dill, self.to, self.own, self.perf = target, dill, to, own, perf
        self.on_linux = target.system == "linux"
        self.flags = [*FLAGS, f"-I{dill}"]
        if not own:
            self.flags += [f"-I{ROOT}", "-include", HERE / "glue.inc"]
        if target.system == "wasi":
            self.flags += others.write_lacking(to / "lacks")
        self.flags += ["-DDILL_SOCKETS"] if self.on_linux else [
            "-Dalarm=weft_glue_alarm", "-Dgetrlimit=weft_glue_getrlimit"]
        (to / "cpp").mkdir()
        shutil.copy(HERE / "assert.inc", to / "cpp/assert.h")
        self.objects = self.library()

    def library(self):
        dill = self.dill
        sources = [dill / f"{name}.c" for name in CORE]
        if self.on_linux:
            every = [*dill.glob("*.c"), *dill.glob("dns/*.c")]
            sources = sorted(path for path in every if path.name != "tls.c")
        objects = []
        for path in sources:
            as_weft = [] if self.own or path.name != "pollset.c" else ["-Dpoll=weft_glue_poll"]
            objects.append(self.to / f"{path.stem}.o")
            self.target.compile(path, objects[-1], *self.flags, *as_weft)
        if not self.own:
            objects.append(self.to / "glue.o")
            self.target.compile(HERE / "glue.c", objects[-1], *self.flags)
        return objects

    def as_cpp(self, text):
        """go() is a lambda in C++. One header is for C alone, as are some tests with sockets."""
        return (self.perf or not self.on_linux) and "libdillimpl.h" not in text

    def program(self, test):
        folder = self.dill / ("perf" if self.perf else "tests")
        source, out = folder / f"{test}.c", self.to / "test.o"
        text = source.read_text(encoding="utf-8")
        if self.own:
            self.target.compile(source, out, *self.flags)
        else:
            # Each has a main of its own kind, and a call must fit it in WebAssembly.
            extern, language, first = "", "c", []
            if self.as_cpp(text):
                extern, language, first = 'extern "C" ', "c++", [f"-iquote{self.to}/cpp"]
            arguments = re.search(r"\bint main\((.*)\)", text).group(1).count(",") == 1
            text += (f"\n{extern}int weft_glue_main(int count, char** words) {{\n  return "
                     f"(void)count, (void)words, main({'count, words' * arguments});\n}}\n")
            self.target.compile("-", out, *self.flags, "-Dmain=weft_glue_test_main", *first,
                                f"-iquote{folder}", language=language, given=text)
        to = self.to / f"test{self.target.suffix}"
        self.target.link(to, out, *self.objects)
        return to


def run_all(library):
    passed = failed = 0
    tests = PERF if library.perf else TESTS + NEED_A_HOST * library.on_linux
    for test in tests:
        try:
            commands = library.target.hosts(library.program(test))
        except (RuntimeError, subprocess.TimeoutExpired) as e:
            failed += 1
            print(f"FAIL  {test}, {library.target.name}: it was not built: {e}", flush=True)
            continue
        for host, command in commands.items():
            try:
                more = ""
                if library.perf:
                    more = " " + measured(command)
                elif (attempt := ended(command, ATTEMPTS.get(test, 1))) > 1:
                    more = f", at attempt {attempt}"
                passed += 1
                print(f"ok    {test} under {host}{more}", flush=True)
            except (RuntimeError, subprocess.TimeoutExpired) as e:
                failed += 1
                print(f"FAIL  {test} under {host}: {e}", flush=True)
    return passed, failed


def main(arguments):
    source = os.environ.get("WEFT_LIBDILL")
    own, perf, wasm = (word in arguments for word in ["--own", "--perf", "--wasm"])
    build = ROOT / next((word for word in arguments if word[0] != "-"), "build/release")
    if not source:
        print("not run: WEFT_LIBDILL names no folder with libdill's source")
        return 0
    # One of its tests includes a source that the library has, too.
    libraries = ("-lrt", "-Wl,--allow-multiple-definition", "-Wl,-z,execstack")
    targets = [others.Linux(None if own else build, libraries)]
    if wasm:
        targets = [others.Wasm("wasi"), others.Wasm("emscripten")]
        print(f"not run as WebAssembly, which has no sockets, processes or signals: "
              f"{' '.join(NEED_A_HOST)}")
    passed = failed = 0
    for target in targets:
        with tempfile.TemporaryDirectory() as folder:
            library = Libdill(target, pathlib.Path(source), pathlib.Path(folder), own=own,
                              perf=perf)
            here = run_all(library)
        passed, failed = passed + here[0], failed + here[1]
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
