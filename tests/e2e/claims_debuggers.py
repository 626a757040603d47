# SPDX-License-Identifier: Apache-2.0
"""Claims about what perf and gdb see of the code that jit makes."""

import pathlib
import re
import subprocess

from claims_compile import command_module, leb, section, write
from harness import TIMEOUT_S, USAGE, claim

CALLS = """
(module
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $guest_leaf (param i32) (result i32)
    (drop (call $random (i32.const 0) (i32.const 4)))
    (i32.add (local.get 0) (i32.const 1)))
  (func $guest_middle (param i32) (result i32)
    (i32.mul (call $guest_leaf (local.get 0)) (i32.const 2)))
  (func $called_first)
  (func (export "_start")
    (call $called_first)
    (drop (call $guest_middle (i32.const 5)))
    (drop (call $guest_middle (i32.const 7)))))
"""


def module(weft):
    path = weft.scratch / "calls.wat"
    path.write_text(CALLS)
    return path


@claim("--perf-map writes a file with the name and the place of each function that is compiled")
def _(weft):
    with weft.start("--engine=jit", "--perf-map", module(weft)) as run:
        path = pathlib.Path(f"/tmp/perf-{run.process.pid}.map")
        try:
            run.finish().expect(code=0, out="", err="")
            lines = path.read_text().splitlines()
        finally:
            path.unlink(missing_ok=True)
    places = [re.fullmatch(r"([0-9a-f]+) ([0-9a-f]+) (\S+)", line).groups() for line in lines]
    names = [name for _, _, name in places]
    assert names == ["weft_enter_guest", "weft_leave_guest", "_start", "called_first",
                     "guest_middle", "guest_leaf"], names
    code = sorted((int(begin, 16), int(size, 16)) for begin, size, _ in places)
    assert all(size > 0 for _, size in code), code
    assert all(a + size <= b for (a, size), (b, _) in zip(code, code[1:])), code


@claim("--perf-map is empty of what an earlier process left, and follows nobody's link")
def _(weft):
    victim = weft.scratch / "victim"
    victim.write_text("kept\n")
    script = f'ln -s {victim} /tmp/perf-$$.map; exec "$@"'
    command = ["sh", "-c", script, "sh",
               *weft.command("--engine=jit", "--perf-map", module(weft))]
    with subprocess.Popen(command, env=weft.environment) as process:
        path = pathlib.Path(f"/tmp/perf-{process.pid}.map")
        try:
            assert process.wait(TIMEOUT_S) == 0
            assert not path.is_symlink() and "guest_leaf" in path.read_text()
        finally:
            path.unlink(missing_ok=True)
    assert victim.read_text() == "kept\n"


@claim("a function's name with a line break stays one line of the perf map")
def _(weft):
    name = b"two\nlines\x7f"
    names = leb(1) + leb(0) + leb(len(name)) + name
    broken = command_module([b""]) + section(0, b"\4name" + section(1, names))
    with weft.start("--engine=jit", "--perf-map", write(weft, "broken.wasm", broken)) as run:
        path = pathlib.Path(f"/tmp/perf-{run.process.pid}.map")
        try:
            run.finish().expect(code=0)
            assert path.read_text().splitlines()[-1].endswith(" two?lines?"), path.read_text()
        finally:
            path.unlink(missing_ok=True)


@claim("gdb stops in a function of a guest, and its backtrace goes through guest and host", "speed")
def _(weft):
    commands = weft.scratch / "commands.gdb"
    commands.write_text("set pagination off\nset breakpoint pending on\n"
                        "set debuginfod enabled off\nbreak guest_leaf\nrun\nbacktrace\ndelete\n"
                        "break weft::wasip1::random_get\ncontinue\nbacktrace\nkill\n")
    said = weft.execute(["gdb", "-q", "-nx", "-batch", "-x", str(commands), "--args",
                         *weft.command("--engine=jit", module(weft))])
    at_guest, at_host = said.out.split("#0 ")[1:3]
    assert re.search(r"guest_leaf.*\n#1 .* guest_middle .*\n#2 .* _start .*\n"
                     r"#3 .* weft_enter_guest", at_guest), said.out + said.err
    assert re.search(r"weft_leave_guest .*\n#\d+ .* guest_leaf .*\n#\d+ .* guest_middle .*\n"
                     r"#\d+ .* _start .*\n#\d+ .* weft_enter_guest .*\n(?s:.*)Guest::run",
                     at_host), said.out + said.err


@claim("weft test and weft replay have no --perf-map")
def _(weft):
    weft.raw("test", "--perf-map", module(weft)).expect(code=USAGE, err_has="perf-map")
