#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gdb names the functions of 1,000 guests, live and in a core: tests/host/gdb_guests.py PROGRAM

PROGRAM is tests/host/guest_gs.cpp. It runs without a debugger, and stripped of all symbols that a
program can do without. Then gdb comes with tools/gdb/weft-gdb.py, lists the Gs, and shows where a
guest sleeps and where one computes. The same is asked of a core file: the kernel's where it puts it
beside the program, else gdb's own, of 2 GiB. Once for each engine that compiles, jit and aot.
"""

import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

SCRIPT = pathlib.Path(__file__).resolve().parent.parent.parent / "tools" / "gdb" / "weft-gdb.py"
SECONDS = 600
GUESTS = 1000
SLEEPS = """(module
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $falls_asleep
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 3600000000000))
    (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128))))
  (func $lies_down (call $falls_asleep))
  (func (export "_start") (call $lies_down)))"""
SPINS = """(module
  (memory (export "memory") 1)
  (func $counts_sheep (loop $again
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (br $again)))
  (func (export "_start") (call $counts_sheep)))"""
ASKED = ["info weft-gs", "echo == sleeps\\n", "weft-bt 500", "echo == spins\\n",
         f"weft-bt {GUESTS + 1}", "echo == end\\n",
         "python told = list(filter(None, GUESTS.added.values()))", "python GUESTS.end()",
         "python print('objects left:', sum(each.filename in told for each in gdb.objfiles()))"]


def module(folder, name, text):
    (folder / f"{name}.wat").write_text(text)
    wasm = folder / f"{name}.wasm"
    subprocess.run(["wat2wasm", "--debug-names", folder / f"{name}.wat", "-o", wasm], check=True,
                   timeout=SECONDS)
    # A guest may choose a name that tells a terminal something.
    wasm.write_bytes(wasm.read_bytes().replace(b"lies_down", b"lies\x1bdown"))
    return wasm


def gdb(*words, commands):
    """What gdb prints."""
    told = [word for command in commands for word in ("-ex", command)]
    done = subprocess.run(["gdb", "-nx", "-batch", "-ex", f"source {SCRIPT}", *map(str, words),
                           *told], capture_output=True, text=True, timeout=SECONDS, check=False,
                          stdin=subprocess.DEVNULL)
    return done.stdout + done.stderr.replace("\n", "\nstderr: ")


def kernel_writes_core():
    pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8").strip()
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    return pattern in ("core", "core.%p") and most == resource.RLIM_INFINITY


def allow_core():
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))


def core_of(run, folder):
    """The core file of a process, which is ended by it or after it."""
    if kernel_writes_core():
        run.send_signal(signal.SIGABRT)
        run.wait(SECONDS)
        return next(folder.glob("core*"))
    gdb("-p", run.pid, commands=[f"generate-core-file {folder / 'core'}"])
    return folder / "core"


def check(text):
    """Is it all there?"""
    rows = re.findall(r"^([* ]) +(\d+)  (\S.*\S) {2,}(\S.*)$", text.split("== sleeps")[0], re.M)
    states = [(state, name) for _, number, state, name in rows if int(number) <= GUESTS]
    assert states == [("waiting (sleep)", "sleeps.wasm")] * GUESTS, (states[:3], text[-3000:])
    assert re.fullmatch("running|runnable", rows[GUESTS][2]), rows[GUESTS]
    assert "\x1b" not in text, text
    # What gdb was told of for aot, it is told to forget.
    assert re.search(r"^objects left: 0$", text, re.M), text[-3000:]
    for heading, functions in [("sleeps", ["falls_asleep", "lies?down", "_start"]),
                               ("spins", ["counts_sheep", "_start"])]:
        part = text.split(f"== {heading}\n")[1].split("== ")[0]
        named = re.findall(r"^#\d+ +(?:0x\w+ in )?([\w?]+) \(", part, re.M)
        assert [name for name in named if name in functions] == functions, (heading, part, text)


def main(program):
    for tool in ("gdb", "wat2wasm", "strip"):
        assert shutil.which(tool), f"{tool} is missing: scripts/deps.sh tests"
    with tempfile.TemporaryDirectory(prefix="weft-gdb-") as scratch:
        folder = pathlib.Path(scratch)
        stripped = folder / "guest_gs"
        subprocess.run(["strip", "-o", stripped, program], check=True, timeout=SECONDS)
        words = [module(folder, "sleeps", SLEEPS), str(GUESTS), module(folder, "spins", SPINS)]
        environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
        for engine in ("jit", "aot"):
            with subprocess.Popen([stripped, engine, *words], stdout=subprocess.PIPE, text=True,
                                  env=environment, cwd=folder, preexec_fn=allow_core) as run:
                try:
                    assert run.stdout.readline() == "all sleep\n"
                    check(gdb("-p", run.pid, commands=ASKED))
                    core = core_of(run, folder)
                finally:
                    run.kill()
            check(gdb(stripped, core, commands=ASKED))
            core.unlink()
            print(f"{engine}: {GUESTS} guests, live and in a core file")


if __name__ == "__main__":
    main(sys.argv[1])
